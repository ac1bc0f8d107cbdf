//! Playlists that lead a player to send its token along, and hold no token themselves.
//!
//! A playlist asked for with `?token=…` defines the variable `token`, whose value is the player's own (section
//! 4.4.2.3), and names it behind every URI. So every viewer gets the same bytes, and a cache may share them.

/// The query parameter.
pub(super) const NAME: &str = "token";
/// What stands for the token in a URI's query.
pub(super) const REFERENCE: &str = "token={$token}";
/// Behind the URIs of a playlist that was asked for with a token and no other parameter.
pub(super) const SUFFIX: &str = "?token={$token}";
/// Section 8: a playlist with an EXT-X-DEFINE tag that has a QUERYPARAM attribute.
const VERSION_MIN: u32 = 11;

/// The playlist with the variable defined, before anything that can refer to it.
pub(super) fn define(playlist: &str) -> String {
    let rest = playlist.strip_prefix(HEAD).unwrap_or(playlist);
    let (version, rest) = version(rest);
    let version = version.max(VERSION_MIN);
    format!("{HEAD}{VERSION}{version}\n#EXT-X-DEFINE:QUERYPARAM=\"{NAME}\"\n{rest}")
}

/// The version, which stands first in every playlist of ours that says one, and what follows it.
fn version(rest: &str) -> (u32, &str) {
    let said = rest
        .strip_prefix(VERSION)
        .and_then(|rest| rest.split_once('\n'));
    match said {
        Some((version, rest)) => (version.parse().unwrap_or(0), rest),
        None => (0, rest),
    }
}

const HEAD: &str = "#EXTM3U\n";
const VERSION: &str = "#EXT-X-VERSION:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_defined_first_and_the_version_is_one_that_knows_it() {
        for (said, becomes) in [
            ("", 11),
            ("#EXT-X-VERSION:9\n", 11),
            ("#EXT-X-VERSION:10\n", 11),
            ("#EXT-X-VERSION:12\n", 12),
        ] {
            let playlist = format!("#EXTM3U\n{said}#EXT-X-TARGETDURATION:2\na.m4s?{REFERENCE}\n");
            let expected = format!(
                "#EXTM3U\n#EXT-X-VERSION:{becomes}\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n\
                 #EXT-X-TARGETDURATION:2\na.m4s?token={{$token}}\n"
            );
            assert_eq!(define(&playlist), expected, "{said}");
        }
    }

    #[test]
    fn the_suffix_is_the_reference_alone() {
        assert_eq!(SUFFIX, format!("?{REFERENCE}"));
        assert_eq!(REFERENCE, format!("{NAME}={{${NAME}}}"));
    }
}
