//! Which patches a phantom cohort has.

use rand::RngExt;

use super::render::{Draw, rng};
use crate::error::{Error, Result};

/// Width of a pixel in µm unless a patch says otherwise: an objective of 20x.
pub const DEFAULT_MPP: f64 = 0.5;

/// Slides of each patient.
const SLIDES: u32 = 2;

/// Patches in a row of the grid from which a slide's patches are numbered.
const GRID: u32 = 8;

/// One patch to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct PhantomPatch {
    /// Name, unique in the cohort.
    pub id: String,
    /// 0 for normal tissue, 1 for tumour.
    pub label: u8,
    /// Number of the patient, from 0.
    pub patient: u32,
    /// Number of the centre, from 0.
    pub centre: u32,
    /// Number of the slide within the patient, from 0.
    pub slide: u32,
    /// Number of the patch within the cohort; with the seed it decides what is drawn.
    pub index: u64,
    /// Column of the top left corner on the slide, in pixels of level 0.
    pub x: i64,
    /// Row of the top left corner on the slide, in pixels of level 0.
    pub y: i64,
    /// Width and height in pixels, 16 to 4,096.
    pub size: u32,
    /// Width of a pixel in µm, 0.1 to 4.
    pub mpp: f64,
}

impl PhantomPatch {
    /// The patient's name, such as `patient_003`.
    #[must_use]
    pub fn patient_name(&self) -> String {
        format!("patient_{:03}", self.patient)
    }

    /// The centre's name, such as `centre_1`.
    #[must_use]
    pub fn centre_name(&self) -> String {
        format!("centre_{}", self.centre)
    }

    /// The slide's name, such as `patient_003_node_0`.
    #[must_use]
    pub fn slide_name(&self) -> String {
        format!("patient_{:03}_node_{}", self.patient, self.slide)
    }
}

/// The patches of a cohort, patient by patient: half of each patient's are tumour (of an odd
/// number, one more of a class drawn by the seed), spread over two slides in an order drawn by the
/// seed. Patients come in blocks of one centre, as in Camelyon17. Pixels are [`DEFAULT_MPP`] wide.
///
/// # Errors
/// A number is 0, or there are more centres than patients.
pub fn cohort(
    patients: u32,
    centres: u32,
    patches_per_patient: u32,
    size: u32,
    seed: u64,
) -> Result<impl Iterator<Item = PhantomPatch>> {
    if patients == 0 || centres == 0 || patches_per_patient == 0 {
        return Err(Error::Cohort {
            what: "it has no patient, no centre or no patch",
        });
    }
    if centres > patients {
        return Err(Error::Cohort {
            what: "it has more centres than patients",
        });
    }
    let of_patient = move |patient: u32| {
        let centre = centre_of(patient, patients, centres);
        let labels = labels(patient, patches_per_patient, seed);
        labels
            .into_iter()
            .zip(0..patches_per_patient)
            .map(move |(label, number)| {
                let (slide, place) = (number % SLIDES, number / SLIDES);
                let mut patch = PhantomPatch {
                    id: String::new(),
                    label,
                    patient,
                    centre,
                    slide,
                    index: u64::from(patient) * u64::from(patches_per_patient) + u64::from(number),
                    x: i64::from(place % GRID) * i64::from(size),
                    y: i64::from(place / GRID) * i64::from(size),
                    size,
                    mpp: DEFAULT_MPP,
                };
                patch.id = format!("{}_{place:04}", patch.slide_name());
                patch
            })
    };
    Ok((0..patients).flat_map(of_patient))
}

/// The centre of a patient: patients come in blocks.
pub(super) fn centre_of(patient: u32, patients: u32, centres: u32) -> u32 {
    // The product needs 64 bits, the quotient is below `centres`.
    (u64::from(patient) * u64::from(centres) / u64::from(patients)) as u32
}

/// As many 0 as 1, shuffled.
fn labels(patient: u32, count: u32, seed: u64) -> Vec<u8> {
    let mut rng = rng(seed, Draw::Labels, u64::from(patient));
    let odd = u32::from(rng.random::<bool>());
    let mut labels: Vec<u8> = (0..count).map(|i| u8::from((i + odd) % 2 == 0)).collect();
    for i in (1..labels.len()).rev() {
        labels.swap(i, rng.random_range(0..=i));
    }
    labels
}
