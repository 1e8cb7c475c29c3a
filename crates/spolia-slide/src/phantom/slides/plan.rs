//! Where everything on a slide lies, and any tile of it.

use image::RgbImage;

use super::super::canvas::{Canvas, blur_radius};
use super::super::frame::Frame;
use super::super::near::Near;
use super::super::render::{Draw, centre_stains, nuclear_size, rng};
use super::super::stain::Stains;
use super::cohort::PhantomSlide;
use super::ground::Ground;
use super::nuclei::Nuclei;
use super::truth::{Part, RegionTruth, regions};
use crate::Result;
use crate::annotation::{Annotation, Annotations, Group, Kind, Polygon};

/// Side of a tile in pixels.
pub const TILE: u32 = 256;

/// The group of Camelyon17 that tumour belongs to.
const GROUP: &str = "metastases";

/// A phantom slide before it is drawn: tissue, tumours, nuclei, stains. It holds about 150 bytes
/// for each nucleus, no pixels.
#[derive(Debug)]
pub struct SlidePlan {
    slide: PhantomSlide,
    seed: u64,
    stains: Stains,
    ground: Ground,
    nuclei: Nuclei,
}

/// A tile of a phantom slide.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// `TILE * TILE` pixels.
    pub image: RgbImage,
    /// For each of them, row by row, the number of its nucleus from 1, or 0.
    pub nuclei: Vec<u32>,
    /// What is seen of each nucleus here.
    pub(super) parts: Vec<Part>,
}

impl SlidePlan {
    /// Decides what a slide looks like; uses all threads.
    ///
    /// # Errors
    /// The slide's size or pixel width is out of range.
    pub fn new(slide: &PhantomSlide, seed: u64) -> Result<Self> {
        slide.check()?;
        let mut draws = rng(seed, Draw::Slide, u64::from(slide.index));
        let mut stains = centre_stains(seed, slide.centre).on_patch(&mut draws);
        // Scanners of whole slides are balanced to the glass, which is white.
        stains.light = [1.0; 3];
        let mpp = slide.mpp as f32;
        let size = (slide.width as f32 * mpp, slide.height as f32 * mpp);
        let ground = Ground::draw(slide.tumour, size.0, size.1, &mut draws);
        let scale = nuclear_size(seed, slide.patient);
        let nuclei = Nuclei::place(&ground, size, scale, (seed, slide.index));
        Ok(Self {
            slide: *slide,
            seed,
            stains,
            ground,
            nuclei,
        })
    }

    /// The slide that is planned.
    #[must_use]
    pub fn slide(&self) -> &PhantomSlide {
        &self.slide
    }

    /// Its stains.
    #[must_use]
    pub fn stains(&self) -> &Stains {
        &self.stains
    }

    /// Whether a tile may show tissue; if not, it is white glass.
    #[must_use]
    pub fn has_tissue(&self, column: u32, row: u32) -> bool {
        let side = TILE as f32 * self.slide.mpp as f32;
        let from = (column as f32 * side, row as f32 * side);
        self.ground.any(from, (from.0 + side, from.1 + side))
    }

    /// Draws a tile: the same whatever else is drawn.
    #[must_use]
    pub fn tile(&self, column: u32, row: u32) -> Tile {
        let mpp = self.slide.mpp as f32;
        let margin = blur_radius(mpp);
        let frame = Frame {
            left: (column * TILE) as i32 - margin as i32,
            top: (row * TILE) as i32 - margin as i32,
            size: TILE as usize + 2 * margin,
            mpp,
        };
        let canvas = self.draw(frame);
        let number =
            u64::from(row) * u64::from(self.slide.width.div_ceil(TILE)) + u64::from(column);
        let number = (u64::from(self.slide.index) << 24) | number;
        let image = canvas.develop(
            &self.stains,
            margin,
            &mut rng(self.seed, Draw::Tile, number),
        );
        let inner = || {
            (margin..margin + TILE as usize).flat_map(move |row| {
                let start = row * frame.size + margin;
                start..start + TILE as usize
            })
        };
        Tile {
            image,
            nuclei: inner().map(|pixel| canvas.mask[pixel]).collect(),
            parts: Part::of(inner().map(|pixel| (canvas.mask[pixel], canvas.hematoxylin[pixel]))),
        }
    }

    fn draw(&self, frame: Frame) -> Canvas {
        let (from, to) = (frame.place(0), frame.place(frame.pixels() - 1));
        let mut canvas = Canvas::new(frame);
        for (number, nucleus) in self.nuclei.seen(from, to) {
            canvas.nucleus(nucleus, number);
        }
        let seen = self.nuclei.seen(from, to).map(|(_, nucleus)| nucleus);
        let near = Near::new(seen, from, to);
        let chart = self.ground.chart(from, to);
        canvas.ground(|x, y| chart.concentrations(x, y, &near));
        canvas
    }

    /// Its tumours as ASAP's polygons of the group `metastases`, in pixels of level 0; none for a
    /// slide without tumour.
    #[must_use]
    pub fn annotations(&self) -> Annotations {
        let color = Some("#F4FA58".to_owned());
        // Hundredths of a pixel.
        let pixel = |v: f32| (f64::from(v) / self.slide.mpp * 100.0).round() / 100.0;
        let annotations = self
            .ground
            .polygons()
            .enumerate()
            .map(|(k, polygon)| Annotation {
                name: format!("tumor_{}", k + 1),
                kind: Kind::Polygon,
                group: Some(GROUP.to_owned()),
                color: color.clone(),
                id: None,
                polygons: vec![Polygon {
                    outer: polygon
                        .into_iter()
                        .map(|(x, y)| [pixel(x), pixel(y)])
                        .collect(),
                    holes: Vec::new(),
                }],
                points: Vec::new(),
                measurements: Default::default(),
            });
        Annotations {
            annotations: annotations.collect(),
            groups: vec![Group {
                name: GROUP.to_owned(),
                parent: None,
                color: color.clone(),
            }],
            mended: Vec::new(),
        }
    }

    /// What is true of each region, the tissue without tumour first, by the parts of nuclei that
    /// its tiles show.
    pub(super) fn truth(&self, parts: &[Part]) -> Vec<RegionTruth> {
        let region_of: Vec<usize> = self
            .nuclei
            .all()
            .map(|n| {
                let tumour = self.ground.tumour_at(n.outline.x, n.outline.y);
                tumour.map_or(0, |k| k + 1)
            })
            .collect();
        regions(
            self.ground.tumours.len() + 1,
            &region_of,
            parts,
            self.slide.mpp,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::cohort;
    use super::*;

    #[test]
    fn neighbouring_tiles_agree_where_their_margins_overlap() {
        let mut slide = cohort(2, 1, 1, 3)
            .expect("a cohort")
            .find(|s| s.tumour)
            .expect("a slide with tumour");
        (slide.width, slide.height) = (1_024, 768);
        let plan = SlidePlan::new(&slide, 3).expect("a plan");
        let frame = |left: i32, size: usize| Frame {
            left,
            top: 300,
            size,
            mpp: 0.5,
        };
        let (one, other) = (plan.draw(frame(300, 200)), plan.draw(frame(400, 100)));
        assert!(other.mask.iter().any(|&n| n > 0));
        for row in 0..100 {
            let (a, b) = (row * 200 + 100..row * 200 + 200, row * 100..row * 100 + 100);
            assert_eq!(one.mask[a.clone()], other.mask[b.clone()]);
            assert_eq!(one.hematoxylin[a], other.hematoxylin[b]);
        }
    }
}
