//! The tracks of one uninterrupted stretch of an epoch: the lead, what follows it, and how both
//! begin.

use std::collections::VecDeque;

use media::{AacConfig, FrameRate, Timescale, TrackKind, time::span_to_ticks};

use super::{
    cue_track::CueTrack,
    fit::{self, Measured},
    follower::Follower,
    lead::{Boundary, Lead, Limits, Slots, Step},
    track::{Context, Held, Sink, Track},
};
use crate::{
    Config,
    publication::{Init, Publication, Rendition, Targets},
};

/// What never changes over the stream's life once it is known.
#[derive(Debug, Default)]
pub(super) struct Constants {
    pub(super) target_duration_s: Option<u32>,
    pub(super) video_part_ms: Option<u32>,
    pub(super) audio_part_ms: Option<u32>,
    /// What the first epoch that did not say its frame rate showed.
    pub(super) measured: Option<Measured>,
    pub(super) published: Option<Targets>,
}

impl Constants {
    /// Publishes them once they are known, and again when a rendition was added.
    fn publish(&mut self, output: &mut VecDeque<Publication>) {
        let Some(target_duration_s) = self.target_duration_s else {
            return;
        };
        let Self {
            video_part_ms,
            audio_part_ms,
            ..
        } = *self;
        let targets = Targets {
            target_duration_s,
            video_part_ms,
            audio_part_ms,
        };
        if self.published != Some(targets) {
            self.published = Some(targets);
            output.push_back(Publication::Targets(targets));
        }
    }
}

/// The parts of the packager that outlive a session.
#[derive(Debug)]
pub(super) struct Env<'a> {
    pub(super) config: &'a Config,
    pub(super) constants: &'a mut Constants,
    pub(super) slots: &'a mut Slots,
    pub(super) cues: &'a mut CueTrack,
    pub(super) output: &'a mut VecDeque<Publication>,
}

/// One rendition of a session.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) context: Context,
    /// The track's scale; `None` when the rendition has no track in this epoch.
    pub(super) scale: Option<Timescale>,
}

/// What a session is made of.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) lead: Member,
    pub(super) follower: Option<Member>,
    /// Of the video, if it is known and plausible.
    pub(super) rate: Option<FrameRate>,
    /// To be published once the frame rate is known.
    pub(super) inits: Vec<Init>,
}

/// One stretch of frames without a jump.
#[derive(Debug)]
pub(super) struct Session {
    plan: Plan,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The frame rate, and with it the part target, is still to be seen.
    Measuring {
        video: Vec<Held>,
        audio: VecDeque<Held>,
    },
    Running {
        lead: Box<Lead>,
        follower: Option<Box<Follower>>,
    },
}

impl Session {
    pub(super) fn new(plan: Plan, env: &mut Env<'_>) -> Self {
        let known = plan.lead.context.rendition == Rendition::Audio
            || plan.rate.is_some()
            || env.constants.video_part_ms.is_some();
        let stage = if known {
            run(&plan, None, env)
        } else {
            Stage::Measuring {
                video: Vec::new(),
                audio: VecDeque::new(),
            }
        };
        Self { plan, stage }
    }

    /// Takes a frame of either track.
    pub(super) fn frame(&mut self, kind: TrackKind, frame: Held, env: &mut Env<'_>) -> Step {
        let leads = matches!(
            (kind, self.plan.lead.context.rendition),
            (TrackKind::Video, Rendition::Video) | (TrackKind::Audio, Rendition::Audio)
        );
        match &mut self.stage {
            Stage::Measuring { video, .. } if leads => {
                // Nothing can start before an IDR.
                if frame.sync || !video.is_empty() {
                    video.push(frame);
                }
                if measured_enough(video) {
                    self.start(env)
                } else {
                    Step::Taken
                }
            }
            Stage::Measuring { audio, .. } => {
                if audio.len() >= AUDIO_WAITING_MAX {
                    audio.pop_front();
                }
                audio.push_back(frame);
                Step::Taken
            }
            Stage::Running { lead, follower } if leads => {
                lead_frame(lead, follower.as_deref_mut(), frame, env)
            }
            Stage::Running { follower, .. } => {
                if let Some(follower) = follower {
                    follower.frame(frame);
                }
                Step::Taken
            }
        }
    }

    /// Completes everything open.
    pub(super) fn finish(mut self, env: &mut Env<'_>) {
        if matches!(&self.stage, Stage::Measuring { video, .. } if !video.is_empty()) {
            self.start(env);
        }
        let Stage::Running { mut lead, follower } = self.stage else {
            return;
        };
        let mut sink = Sink {
            output: env.output,
            cues: Some(env.cues),
        };
        let end = lead.finish(&mut sink);
        env.constants.target_duration_s = lead.target_duration();
        if let (Some(end), Some(mut follower)) = (end, follower) {
            follower.finish(
                end,
                &mut Sink {
                    output: env.output,
                    cues: None,
                },
            );
        }
        env.constants.publish(env.output);
    }

    /// Goes from measuring to running and gives the frames their turn.
    fn start(&mut self, env: &mut Env<'_>) -> Step {
        let Stage::Measuring { video, audio } = &mut self.stage else {
            return Step::Taken;
        };
        let (video, audio) = (std::mem::take(video), std::mem::take(audio));
        let deltas: Vec<u64> = video
            .windows(2)
            .map(|pair| pair[1].dts.saturating_sub(pair[0].dts))
            .collect();
        let measured = fit::measured(&deltas, env.config.part_target);
        self.stage = run(&self.plan, Some(measured), env);
        let Stage::Running { lead, follower } = &mut self.stage else {
            return Step::Taken;
        };
        if let Some(follower) = follower {
            audio.into_iter().for_each(|frame| follower.frame(frame));
        }
        let mut step = Step::Taken;
        for frame in video {
            step = lead_frame(lead, follower.as_deref_mut(), frame, env);
        }
        step
    }
}

fn lead_frame(
    lead: &mut Lead,
    follower: Option<&mut Follower>,
    frame: Held,
    env: &mut Env<'_>,
) -> Step {
    let mut boundaries: Vec<Boundary> = Vec::new();
    let mut sink = Sink {
        output: env.output,
        cues: Some(env.cues),
    };
    let step = lead.frame(frame, env.slots, &mut boundaries, &mut sink);
    if env.constants.target_duration_s.is_none() {
        env.constants.target_duration_s = lead.target_duration();
        env.constants.publish(env.output);
    }
    if let (Some(follower), Some(progress)) = (follower, lead.progress()) {
        boundaries
            .into_iter()
            .for_each(|boundary| follower.boundary(boundary));
        follower.advance(
            progress,
            &mut Sink {
                output: env.output,
                cues: None,
            },
        );
    }
    step
}

/// Fixes the part targets, publishes the initialisation segments and sets the tracks up.
fn run(plan: &Plan, measured: Option<Measured>, env: &mut Env<'_>) -> Stage {
    let constants = &mut *env.constants;
    constants.measured = measured.or(constants.measured);
    let measured = constants.measured;
    let target = env.config.part_target;
    let target_ms = u32::try_from(target.as_millis()).unwrap_or(u32::MAX);
    let lead_scale = plan.lead.scale.unwrap_or(Timescale::VIDEO);
    let (lead_part_ms, nominal) = match plan.lead.context.rendition {
        Rendition::Video => {
            let fitted = match (plan.rate, measured) {
                (Some(rate), _) => fit::known_rate(rate, target),
                (None, Some(measured)) => measured.part_ms,
                (None, None) => target_ms,
            };
            let nominal = plan
                .rate
                .map(ticks_per_frame)
                .or_else(|| measured.map(|measured| measured.nominal));
            (
                *constants.video_part_ms.get_or_insert(fitted),
                nominal.unwrap_or(NOMINAL_DEFAULT),
            )
        }
        Rendition::Audio => (
            audio_part_ms(constants, lead_scale, target_ms),
            AacConfig::SAMPLES_PER_FRAME,
        ),
    };
    let track = Track::new(plan.lead.context.clone(), lead_scale, lead_part_ms, nominal);
    let lead = Lead::new(track, limits(env.config, constants, lead_scale));
    let follower = plan.follower.clone().map(|Member { context, scale }| {
        let track = scale.map(|scale| {
            let part_ms = match context.rendition {
                Rendition::Audio => audio_part_ms(constants, scale, lead_part_ms),
                Rendition::Video => lead_part_ms,
            };
            Track::new(
                context.clone(),
                scale,
                part_ms,
                AacConfig::SAMPLES_PER_FRAME,
            )
        });
        Box::new(Follower::new(context, track))
    });
    let rate_milli = plan
        .rate
        .map(rate_milli)
        .or_else(|| measured.map(|measured| measured.rate_milli));
    for mut init in plan.inits.iter().cloned() {
        if let Some(picture) = &mut init.picture {
            picture.frame_rate_milli = rate_milli;
        }
        env.output.push_back(Publication::Init(init));
    }
    constants.publish(env.output);
    Stage::Running {
        lead: Box::new(lead),
        follower,
    }
}

fn audio_part_ms(constants: &mut Constants, scale: Timescale, limit_ms: u32) -> u32 {
    let fitted = fit::audio(AacConfig::SAMPLES_PER_FRAME, scale, limit_ms);
    *constants.audio_part_ms.get_or_insert(fitted)
}

fn limits(config: &Config, constants: &Constants, scale: Timescale) -> Limits {
    let seconds = |span: std::time::Duration| {
        u32::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
    };
    let max = seconds(config.target_duration_max).clamp(1, TARGET_DURATION_MAX_S);
    let min = seconds(config.target_duration_min).clamp(1, max);
    let ticks = u64::try_from(span_to_ticks(config.segment_target)).unwrap_or(0);
    Limits {
        segment_target: (ticks * u64::from(scale.hz()) / u64::from(Timescale::VIDEO.hz())).max(1),
        target_duration_bounds: (min, max),
        target_duration: constants.target_duration_s,
    }
}

/// A second of video, or enough frames to know their rate.
fn measured_enough(video: &[Held]) -> bool {
    let span = match video {
        [first, .., last] => last.dts.saturating_sub(first.dts),
        _ => 0,
    };
    span >= Timescale::VIDEO.hz().into() || video.len() > MEASURED_FRAMES
}

fn ticks_per_frame(rate: FrameRate) -> u32 {
    let ticks = u64::from(Timescale::VIDEO.hz()) * u64::from(rate.den) / u64::from(rate.num.max(1));
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

fn rate_milli(rate: FrameRate) -> u32 {
    u32::try_from(u64::from(rate.num) * 1000 / u64::from(rate.den.max(1))).unwrap_or(u32::MAX)
}

/// Frames measured at most: half a second at 60 fps.
const MEASURED_FRAMES: usize = 30;
/// Audio frames kept while the video is measured: 20 s of AAC at 48 kHz.
const AUDIO_WAITING_MAX: usize = 1024;
/// 30 fps, when a later epoch neither says nor shows its rate before its first part.
const NOMINAL_DEFAULT: u32 = 3000;
/// Keeps every duration within 32 bits of any scale.
const TARGET_DURATION_MAX_S: u32 = 60;
