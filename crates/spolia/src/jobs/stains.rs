//! How the stains of centres differ.

use std::collections::BTreeMap;

use spolia_dataset::{PatchTable, Reader, SlideStain, slide_stains};
use spolia_measure::stain::StainBasis;
use spolia_stats::{Matrix, Permanova, mean, permanova, standard_deviation};

/// Draws of the comparison.
const PERMUTATIONS: usize = 999;

/// Columns of the table of slides.
pub const HEADER: [&str; 13] = [
    "slide",
    "patient",
    "centre",
    "patches",
    "haematoxylin_r",
    "haematoxylin_g",
    "haematoxylin_b",
    "eosin_r",
    "eosin_g",
    "eosin_b",
    "haematoxylin_strength",
    "eosin_strength",
    "reason",
];

/// Stains of the slides of a table, where centres are known.
pub struct Stains {
    /// Slide by slide.
    pub slides: Vec<SlideStain>,
    /// Centre by centre.
    pub centres: Vec<CentreStain>,
    /// Whether centres differ, patients changing places; none where there are too few.
    pub compared: Option<Permanova>,
}

/// The stains of a centre: means over its patients.
pub struct CentreStain {
    /// Its name.
    pub centre: String,
    /// Patients whose stains can be told.
    pub patients: usize,
    /// Mean directions of haematoxylin and eosin (red, green, blue).
    pub stains: [[f64; 3]; 2],
    /// Degrees from the means of the other centres; none where there is no other.
    pub degrees: Option<[f64; 2]>,
    /// Mean and standard deviation of the amount that 99% of the pixels stay below, of each stain; of one patient no deviation.
    pub strengths: [(f64, Option<f64>); 2],
}

/// Estimates and compares.
///
/// # Errors
/// The comparison is not defined for the numbers found.
pub fn stains(table: &PatchTable, reader: &Reader, seed: u64) -> miette::Result<Stains> {
    let slides = slide_stains(table, reader);
    let mut patients: BTreeMap<(&str, &str), Vec<[f64; 8]>> = BTreeMap::new();
    for slide in &slides {
        if let Ok(stains) = &slide.stains {
            let own = patients.entry((&slide.centre, &slide.patient)).or_default();
            own.push(numbers(stains));
        }
    }
    // Slides of one patient are no independent witnesses of a centre.
    let patients: Vec<(&str, [f64; 8])> = patients
        .into_iter()
        .map(|((centre, _), own)| (centre, means(&own)))
        .collect();
    let mut names: Vec<&str> = patients.iter().map(|(centre, _)| *centre).collect();
    names.dedup();
    let of = |name: &str, own: bool| -> Vec<[f64; 8]> {
        let chosen = patients
            .iter()
            .filter(|(centre, _)| (*centre == name) == own);
        chosen.map(|(_, numbers)| *numbers).collect()
    };
    let centres = names.iter().map(|name| {
        let (own, others) = (of(name, true), of(name, false));
        let directions = |numbers: &[f64; 8]| [0, 3].map(|k| [0, 1, 2].map(|c| numbers[k + c]));
        let stains = directions(&means(&own));
        let apart = directions(&means(&others));
        CentreStain {
            centre: (*name).to_owned(),
            patients: own.len(),
            degrees: (!others.is_empty()).then(|| [0, 1].map(|k| degrees(&stains[k], &apart[k]))),
            stains,
            strengths: [6, 7].map(|k| {
                let values: Vec<f64> = own.iter().map(|numbers| numbers[k]).collect();
                let spread = standard_deviation(&values);
                (mean(&values), spread)
            }),
        }
    });
    let centres: Vec<CentreStain> = centres.collect();
    let groups: Vec<usize> = patients
        .iter()
        .map(|(centre, _)| names.partition_point(|name| name < centre))
        .collect();
    let compared = if names.len() < 2 || patients.len() <= names.len() {
        None
    } else {
        let data = patients.iter().flat_map(|(_, numbers)| *numbers).collect();
        let x = Matrix::new(patients.len(), 8, data).map_err(|e| miette::miette!("stains: {e}"))?;
        let found = permanova(&x, &groups, PERMUTATIONS, seed);
        Some(found.map_err(|e| miette::miette!("stains: {e}"))?)
    };
    Ok(Stains {
        slides,
        centres,
        compared,
    })
}

/// Rows of the table of slides.
pub fn rows(slides: &[SlideStain]) -> Vec<Vec<String>> {
    let row = |slide: &SlideStain| {
        let mut row = vec![
            slide.slide.clone(),
            slide.patient.clone(),
            slide.centre.clone(),
            slide.patches.to_string(),
        ];
        match &slide.stains {
            Ok(stains) => {
                row.extend(numbers(stains).map(|v| v.to_string()));
                row.push(String::new());
            }
            Err(why) => {
                row.resize(HEADER.len() - 1, String::new());
                row.push(why.clone());
            }
        }
        row
    };
    slides.iter().map(row).collect()
}

impl CentreStain {
    /// In words.
    pub fn words(&self) -> String {
        let stain = |k: usize| {
            let [r, g, b] = self.stains[k];
            let apart = self
                .degrees
                .map(|d| format!(", {:.1} degrees from the other centres", d[k]))
                .unwrap_or_default();
            let (strength, spread) = self.strengths[k];
            let spread = spread
                .map(|sd| format!(" (sd {sd:.2})"))
                .unwrap_or_default();
            let name = ["haematoxylin", "eosin"][k];
            format!("{name} {r:.2} {g:.2} {b:.2}{apart}, strength {strength:.2}{spread}")
        };
        format!("{}; {}; n is patients", stain(0), stain(1))
    }
}

/// What a comparison found, in words.
pub fn compared(found: &Permanova) -> String {
    format!(
        "centres explain {:.0}% of the variance of stains between patients (by chance {:.0}%), p = {:.3} by {PERMUTATIONS} permutations",
        100.0 * found.r2,
        100.0 * found.r2_null,
        found.p_value
    )
}

/// Directions of haematoxylin and eosin, and their strengths.
fn numbers(stains: &StainBasis) -> [f64; 8] {
    let (h, e, [most_h, most_e]) = (stains.haematoxylin, stains.eosin, stains.most);
    [h[0], h[1], h[2], e[0], e[1], e[2], most_h, most_e]
}

fn means(rows: &[[f64; 8]]) -> [f64; 8] {
    std::array::from_fn(|k| rows.iter().map(|row| row[k]).sum::<f64>() / rows.len().max(1) as f64)
}

/// Angle between two directions.
fn degrees(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    let dot = |x: &[f64; 3], y: &[f64; 3]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    cosine.clamp(-1.0, 1.0).acos().to_degrees()
}
