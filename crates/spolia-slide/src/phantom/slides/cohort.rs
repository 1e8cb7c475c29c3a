//! Which slides a phantom cohort has.

use rand::RngExt;

use super::super::cohort::{DEFAULT_MPP, centre_of};
use super::super::render::{Draw, rng};
use crate::error::{Error, Result};

/// Pixels across, unless a slide says otherwise.
pub const WIDTH: u32 = 8_192;
/// Pixels down, unless a slide says otherwise.
pub const HEIGHT: u32 = 4_096;

/// One slide to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhantomSlide {
    /// Number of the patient, from 0.
    pub patient: u32,
    /// Number of the centre, from 0.
    pub centre: u32,
    /// Number of the slide within the patient, from 0.
    pub node: u32,
    /// Number of the slide within the cohort; with the seed it decides what is drawn.
    pub index: u32,
    /// Whether it holds tumour.
    pub tumour: bool,
    /// Pixels across, 512 to 65,536.
    pub width: u32,
    /// Pixels down, 512 to 65,536.
    pub height: u32,
    /// Width of a pixel in µm, 0.2 to 2.
    pub mpp: f64,
}

impl PhantomSlide {
    /// The slide's name, such as `patient_012_node_3`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("patient_{:03}_node_{}", self.patient, self.node)
    }

    /// The folder that names its centre, such as `centre_1`.
    #[must_use]
    pub fn centre_name(&self) -> String {
        format!("centre_{}", self.centre)
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |what, value, expected| {
            Err(Error::Patch {
                id: self.name(),
                what,
                value,
                expected,
            })
        };
        for (what, side) in [("width", self.width), ("height", self.height)] {
            if !(512..=65_536).contains(&side) {
                return wrong(what, f64::from(side), "512 to 65,536 pixels");
            }
        }
        if !(0.2..=2.0).contains(&self.mpp) {
            return wrong("mpp", self.mpp, "0.2 to 2 µm per pixel");
        }
        Ok(())
    }
}

/// The slides of a cohort, patient by patient, `slides` each. Of every two that follow each other
/// one holds tumour, drawn by the seed, so that half of all do, in every centre. Patients come in
/// blocks of one centre, as in Camelyon17.
///
/// # Errors
/// A number is 0, or there are more centres than patients.
pub fn cohort(
    patients: u32,
    centres: u32,
    slides: u32,
    seed: u64,
) -> Result<impl Iterator<Item = PhantomSlide>> {
    if patients == 0 || centres == 0 || slides == 0 {
        return Err(Error::Cohort {
            what: "it has no patient, no centre or no slide",
        });
    }
    if centres > patients {
        return Err(Error::Cohort {
            what: "it has more centres than patients",
        });
    }
    let Some(count) = patients.checked_mul(slides).filter(|&n| n <= 1 << 20) else {
        return Err(Error::Cohort {
            what: "it has more than a million slides",
        });
    };
    Ok((0..count).map(move |index| {
        let patient = index / slides;
        let pair = index / 2;
        let first: bool = rng(seed, Draw::SlideLabels, u64::from(pair)).random();
        PhantomSlide {
            patient,
            centre: centre_of(patient, patients, centres),
            node: index % slides,
            index,
            tumour: first == (index % 2 == 0),
            width: WIDTH,
            height: HEIGHT,
            mpp: DEFAULT_MPP,
        }
    }))
}
