//! The API's description, made from the handlers themselves.

use access::Policy;
use axum::{
    body::Bytes,
    http::{HeaderValue, Method, header},
    routing::get,
};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Description,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::routes;

use super::{
    Audience, armed, cors, cues, delivery, embeddable, events, health, keys, people,
    routes::{Part, Routes},
    streams, thumbnail,
    web::Web,
    webhooks, whep, whip,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shopcast",
        description = "Live video with product cards on the same frame for every viewer.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    modifiers(&Bearer),
    security((), ("bearer" = [])),
    tags(
        (name = "streams", description = "What is live, who watches, and sending people away"),
        (name = "cues", description = "Cards: inserted once, on the same frame for every viewer"),
        (name = "webrtc", description = "Watching (WHEP) and publishing (WHIP) by WebRTC"),
        (name = "webhooks", description = "What receivers are sent, and what became of it"),
        (name = "keys", description = "Stream keys: who may publish"),
        (name = "operations", description = "Health"),
    ),
)]
struct Api;

/// How a token is sent: an API token, a signed token or, to publish, a stream key. `docs/access.md` says where which.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut Description) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The described routes.
pub(super) fn api(web: &Web) -> Vec<Part> {
    let fresh = SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    let read = |policy| [(Method::GET, policy)];
    let reading = Routes::new()
        .described(routes!(streams::list), read(Policy::Api))
        .described(routes!(people::viewers), read(Policy::Api))
        .described(routes!(thumbnail::show), read(Policy::Watch))
        .described(routes!(cues::state_at), read(Policy::Watch))
        .described(routes!(events::follow), read(Policy::Watch));
    let writing = writing();
    let health = Routes::new()
        .described(routes!(health::live), read(Policy::Open))
        .described(routes!(health::ready), read(Policy::Open));
    // The log of deliveries is the operator's, and no page's of another origin.
    let log = Routes::new()
        .described(routes!(webhooks::list), read(Policy::Api))
        .described(routes!(webhooks::replay), [(Method::POST, Policy::Api)]);
    // Players of pages of other origins report as they watch.
    let reporting =
        Routes::new().described(routes!(delivery::painted), [(Method::POST, Policy::Watch)]);
    let reporting = Part::new(Audience::Viewers, reporting).cors(cors::watching(web));
    let reading = Part::new(Audience::Viewers, reading).cors(cors::reading(web));
    let writing = Part::new(Audience::Viewers, writing).cors(cors::writing(web));
    let viewers = reading
        .merge(writing)
        .merge(reporting)
        .map(|router| router.layer(embeddable()));
    let health = Part::new(Audience::Everyone, health).cors(cors::reading(web));
    let log = Part::new(Audience::Operators, log);
    let fresh = |part: Part| part.map(|router| router.layer(fresh.clone()));
    vec![
        fresh(viewers),
        fresh(health),
        fresh(log),
        whep::router(web),
        whip::router(web),
    ]
}

/// What changes something, with what can be read beside it.
fn writing() -> Routes {
    let send_away = || [(Method::DELETE, Policy::Api)];
    Routes::new()
        .described(
            routes!(streams::one, streams::end),
            [(Method::GET, Policy::Status), (Method::DELETE, Policy::Api)],
        )
        .described(
            routes!(cues::insert, cues::list),
            [(Method::POST, Policy::Cues), (Method::GET, Policy::Watch)],
        )
        .described(
            routes!(cues::one, cues::reschedule, cues::cancel),
            [
                (Method::GET, Policy::Watch),
                (Method::PATCH, Policy::Cues),
                (Method::DELETE, Policy::Cues),
            ],
        )
        .described(routes!(delivery::of_cue), [(Method::GET, Policy::Cues)])
        .described(routes!(armed::list), [(Method::GET, Policy::Cues)])
        .described(
            routes!(armed::put, armed::remove),
            [(Method::PUT, Policy::Cues), (Method::DELETE, Policy::Cues)],
        )
        .described(routes!(armed::fire), [(Method::POST, Policy::Cues)])
        .described(routes!(people::remove_viewer), send_away())
        .described(routes!(people::remove_publisher), send_away())
        .described(
            routes!(keys::create, keys::list),
            [(Method::POST, Policy::Api), (Method::GET, Policy::Api)],
        )
        .described(routes!(keys::rotate), [(Method::POST, Policy::Api)])
        .described(routes!(keys::revoke), [(Method::DELETE, Policy::Api)])
}

/// What is said of the whole.
pub(super) fn head() -> Description {
    let mut description = Api::openapi();
    description.webhooks = Some(webhooks::described());
    description
}

/// `GET /openapi.json`.
pub(super) fn router(description: &Description, web: &Web) -> Part {
    let json = description.to_json().expect("a description is always JSON");
    let json = Bytes::from(json);
    let answer = move || {
        let json = json.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], json) }
    };
    let routes = Routes::new().plain("/openapi.json", get(answer), [(Method::GET, Policy::Open)]);
    Part::new(Audience::Viewers, routes).cors(cors::reading(web))
}
