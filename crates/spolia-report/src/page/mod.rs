//! The page: gathers what the template shows.

mod answer;
mod attention;
mod carriers;
mod claims;
mod comparison;
mod concepts;
mod controls;
mod drift;
mod networks;
mod patches;
mod relevance;
mod reuse;

use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use crate::Error;
use crate::figures::pictures::Missing;
use crate::figures::{
    self, Svg, calibration, colour_map, figure1, figure2, r2_by_depth, roc, split_words, training,
};
use crate::run::Run;

const TEMPLATE: &str = include_str!("../report.html.j2");
const STYLE: &str = include_str!("../style.css");

/// All figures of a run.
pub(crate) struct Drawn {
    training: Vec<Svg>,
    roc: Option<Svg>,
    calibration: Option<Svg>,
    figure1: Option<(figure1::Grid, Vec<u8>)>,
    figure2: Option<(figure2::Gallery, Vec<u8>)>,
    figure3: Vec<(String, Svg)>,
    heatmaps: Vec<figures::heatmap::Map>,
    comparison: Vec<Svg>,
    faithfulness: Vec<Svg>,
    sanity: Vec<Svg>,
    localization: Vec<Svg>,
    atypia: Vec<Svg>,
    relevance: Vec<Svg>,
    controls: Vec<Svg>,
    centre: Option<Svg>,
    drift: Vec<Svg>,
    filters: Option<Svg>,
    reuse: Vec<Svg>,
    examples: Option<figures::examples::Examples>,
    /// Pictures that could not be shown.
    pub(crate) missing: Missing,
}

impl Drawn {
    /// Draws every figure whose table is there.
    pub(crate) fn new(run: &Run) -> Result<Self, Error> {
        let mut missing = Missing::default();
        Ok(Self {
            training: training::draw(run)?,
            roc: roc::draw(run)?,
            calibration: calibration::draw(run)?,
            figure1: figure1::draw(run, &mut missing)?,
            figure2: figure2::draw(run, &mut missing)?,
            figure3: r2_by_depth::draw(run)?,
            heatmaps: figures::heatmap::draw(run)?,
            comparison: figures::comparison::draw(run)?,
            faithfulness: figures::attention::faithfulness(run)?,
            sanity: figures::attention::sanity(run)?,
            localization: figures::attention::localization(run)?,
            atypia: figures::attention::atypia(run)?,
            relevance: figures::relevance::draw(run)?,
            controls: figures::controls::draw(run)?,
            centre: figures::centre::draw(run)?,
            drift: figures::drift::draw(run)?,
            filters: figures::filters::draw(run)?,
            reuse: figures::reuse::draw(run)?,
            examples: figures::examples::draw(run)?,
            missing,
        })
    }

    /// The vector figures.
    pub(crate) fn vectors(&self) -> impl Iterator<Item = &Svg> {
        self.training
            .iter()
            .chain(&self.roc)
            .chain(&self.calibration)
            .chain(&self.comparison)
            .chain(&self.faithfulness)
            .chain(&self.sanity)
            .chain(&self.localization)
            .chain(&self.atypia)
            .chain(self.figure3.iter().map(|(_, svg)| svg))
            .chain(self.heatmaps.iter().map(|map| &map.svg))
            .chain(&self.controls)
            .chain(&self.centre)
            .chain(&self.relevance)
            .chain(&self.drift)
            .chain(&self.filters)
            .chain(&self.reuse)
    }

    /// The sheets of pictures: file name and PNG bytes.
    pub(crate) fn sheets(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let first = self.figure1.iter().map(|(_, b)| ("figure1.png", &b[..]));
        first.chain(self.figure2.iter().map(|(_, b)| ("figure2.png", &b[..])))
    }
}

/// The finished page.
pub(crate) struct Page {
    pub(crate) html: String,
    pub(crate) headline: String,
    pub(crate) left_out: Vec<&'static str>,
}

/// A problem as the page shows it.
#[derive(Serialize)]
struct Problem<'a> {
    item: &'a str,
    step: &'a str,
    error: &'a str,
}

/// A step as the page shows it, without its seconds, which vary.
#[derive(Serialize)]
struct Step<'a> {
    name: &'a str,
    state: &'a str,
    items: Option<usize>,
    problems: Option<usize>,
    inputs: &'a str,
}

/// Fills the template.
///
/// # Errors
/// [`Error::Page`] when the template cannot be rendered.
pub(crate) fn write(run: &Run, drawn: &Drawn) -> Result<Page, Error> {
    let svg = |svg: &Svg| Value::from_safe_string(svg.text.clone());
    let svgs = |all: &[Svg]| all.iter().map(svg).collect::<Vec<_>>();
    let present = [
        ("patches", !run.patches.is_empty()),
        ("networks", !run.networks.is_empty()),
        ("training curves", !drawn.training.is_empty()),
        (
            "predictions",
            run.networks.iter().any(|n| n.metrics.is_some()),
        ),
        ("visualizations", drawn.figure1.is_some()),
        ("attention maps", drawn.figure2.is_some()),
        ("concepts", !run.fits.is_empty()),
    ];
    let left_out: Vec<&str> = present.iter().filter(|p| !p.1).map(|p| p.0).collect();
    let answer = answer::answer(run);
    let headline = answer.sentences.first().cloned().unwrap_or_default();
    let problems: Vec<Problem<'_>> = run
        .problems
        .iter()
        .map(|p| Problem {
            item: &p.item,
            step: &p.step,
            error: &p.error,
        })
        .collect();
    // The step that draws this page is still running, and would differ on the next run.
    let steps: Vec<Step<'_>> = run
        .manifest
        .steps
        .iter()
        .filter(|step| step.name != "report")
        .map(|step| Step {
            name: &step.name,
            state: &step.state,
            items: step.items,
            problems: step.problems,
            inputs: step.inputs.as_deref().map_or("", |hash| start(hash, 12)),
        })
        .collect();
    let unfinished: Vec<String> = steps
        .iter()
        .filter(|step| step.state != "done")
        .map(|step| format!("{} ({})", step.name, step.state))
        .collect();
    let style = &run.judged.style;
    let ramp: Vec<String> = (0..=8)
        .map(|i| colour_map(&style.colours, f64::from(i) / 8.0))
        .map(|[r, g, b]| format!("rgb({r},{g},{b})"))
        .collect();
    let judged = run
        .networks
        .iter()
        .find_map(|n| n.metrics.as_ref()?.judged())
        .map(|(split, _)| split_words(split));

    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_template("report.html", TEMPLATE)?;
    let html = environment.get_template("report.html")?.render(context! {
        style => Value::from_safe_string(STYLE.to_owned()),
        name => run.manifest.study.name,
        seed => run.manifest.study.seed,
        study => run.manifest.study.text,
        version => run.manifest.spolia,
        cpu => run.manifest.machine.cpu,
        os => run.manifest.machine.os,
        positive => run.positive(),
        notes => run.manifest.notes,
        answer => answer,
        patches => patches::section(run),
        networks => networks::table(run),
        training => svgs(&drawn.training),
        training_words => networks::training_words(run),
        judged => judged,
        metrics => networks::metrics(run),
        metrics_words => networks::metrics_words(run),
        roc => drawn.roc.as_ref().map(svg),
        calibration => drawn.calibration.as_ref().map(svg),
        figure1 => drawn.figure1.as_ref().map(|(grid, _)| grid),
        figure1_words => answer::channel_words(run),
        figure1_how => answer::how_drawn(run),
        figure2 => drawn.figure2.as_ref().map(|(gallery, _)| gallery),
        figure2_words => answer::map_words(run),
        comparison => comparison::section(run),
        comparison_figures => svgs(&drawn.comparison),
        gallery => !run.channels.is_empty(),
        attention => attention::section(run),
        faithfulness_figures => svgs(&drawn.faithfulness),
        sanity_figures => svgs(&drawn.sanity),
        localization_figures => svgs(&drawn.localization),
        atypia_figures => svgs(&drawn.atypia),
        shared_scale => style.scale == "shared",
        figure3 => drawn.figure3.iter().map(|(_, s)| svg(s)).collect::<Vec<_>>(),
        concepts => concepts::section(run),
        examples => drawn.examples,
        heatmaps => drawn.heatmaps.iter().map(|map| context! {
            svg => svg(&map.svg),
            width => map.width.ceil() as u32,
        }).collect::<Vec<_>>(),
        claims => claims::section(run),
        controls => controls::controls(run),
        controls_figures => svgs(&drawn.controls),
        centre => controls::centre(run),
        carriers => carriers::section(run),
        centre_figure => drawn.centre.as_ref().map(svg),
        classes => controls::classes(run),
        relevance => relevance::section(run),
        relevance_figures => svgs(&drawn.relevance),
        drift => drift::section(run),
        drift_figures => svgs(&drawn.drift),
        filters_figure => drawn.filters.as_ref().map(svg),
        reuse => reuse::section(run),
        reuse_figures => svgs(&drawn.reuse),
        problems => problems,
        missing => drawn.missing.0,
        steps => steps,
        unfinished => unfinished,
        left_out => left_out,
        ramp => ramp.join(","),
    })?;
    Ok(Page {
        html,
        headline,
        left_out,
    })
}

/// The first `n` characters of a text.
fn start(text: &str, n: usize) -> &str {
    text.char_indices().nth(n).map_or(text, |(i, _)| &text[..i])
}
