//! Size, shape and stain of every nucleus.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, SQRT_2};

use super::hull::hull_area;
use super::moments::Moments;
use super::{InstanceMask, haematoxylin};
use crate::Error;

/// One nucleus. Lengths are in pixels; shapes are those of scikit-image 0.26's `regionprops`.
#[derive(Debug, Clone, PartialEq)]
pub struct Nucleus {
    /// Its label in the instance mask.
    pub label: u32,
    /// Row and column of the centroid; (0, 0) is the centre of the first pixel.
    pub centroid: (f64, f64),
    /// Number of pixels.
    pub area: f64,
    /// Length of the outline by Crofton's formula in four directions (`perimeter_crofton`).
    ///
    /// Unlike a sum of steps from pixel to pixel, it is right on average over all directions of an
    /// edge. The image's border counts as outline.
    pub perimeter: f64,
    /// Length of the major axis of the ellipse with the same second moments (`axis_major_length`).
    pub major_axis: f64,
    /// Length of its minor axis (`axis_minor_length`); 0 for a straight line of pixels.
    pub minor_axis: f64,
    /// Its eccentricity: 0 for a circle, towards 1 for a line.
    pub eccentricity: f64,
    /// Angle of the major axis to the direction of the rows' numbers (downwards), in
    /// -pi/2..=pi/2, counter-clockwise. Without a longer axis it means nothing (and is -pi/4).
    pub orientation: f64,
    /// Area over the area of the convex hull (`solidity`): 1 for a convex shape.
    pub solidity: f64,
    /// Whether a pixel lies on the image's border, so that part of the nucleus may be missing.
    pub touches_border: bool,
    /// Mean haematoxylin optical density, see [`haematoxylin`].
    pub haematoxylin: f64,
    /// Chromatin texture: standard deviation (over n) of the haematoxylin optical density.
    pub chromatin_sd: f64,
}

/// Measures every nucleus of an instance mask in its image (8-bit RGB, interleaved, row-major).
///
/// The nuclei come in the order of their labels.
///
/// # Errors
/// [`Error::Size`] where the image is not of the mask's size.
pub fn measure_nuclei(rgb: &[u8], mask: &InstanceMask) -> Result<Vec<Nucleus>, Error> {
    let stain = haematoxylin(rgb, mask.width(), mask.height())?;
    Ok(measure(&stain, mask))
}

/// As [`measure_nuclei`], of a stain that is at hand and has the mask's size.
pub(super) fn measure(stain: &[f32], mask: &InstanceMask) -> Vec<Nucleus> {
    let (indices, labels) = mask.indices();
    let mut parts = vec![Parts::default(); labels.len()];
    for (pixel, (index, &density)) in indices.iter().zip(stain).enumerate() {
        if let Some(index) = *index {
            parts[index].add(pixel % mask.width(), pixel / mask.width(), density.into());
        }
    }
    add_corners(&indices, mask.width(), &mut parts);
    let size = (mask.width(), mask.height());
    let nuclei = labels.into_iter().zip(&parts);
    nuclei
        .map(|(label, parts)| parts.nucleus(label, size))
        .collect()
}

/// What is gathered of one nucleus in a pass over the image.
#[derive(Clone, Default)]
struct Parts {
    moments: Moments,
    density: f64,
    density_squared: f64,
    top: usize,
    /// First and last column of every row from `top` downwards.
    rows: Vec<Option<(usize, usize)>>,
    /// How often each pattern of 2 x 2 pixels occurs, see [`add_corners`].
    corners: [u64; 16],
}

impl Parts {
    /// Adds a pixel; pixels come row by row, each from left to right.
    fn add(&mut self, x: usize, y: usize, density: f64) {
        if self.rows.is_empty() {
            self.top = y;
        }
        self.rows.resize(y - self.top + 1, None);
        if let Some(row) = self.rows.last_mut() {
            *row = Some((row.map_or(x, |(first, _)| first), x));
        }
        self.moments.add(x, y);
        self.density += density;
        self.density_squared += density * density;
    }

    fn nucleus(&self, label: u32, (width, height): (usize, usize)) -> Nucleus {
        let area = self.moments.area();
        let (x, y) = self.moments.centroid();
        let [xx, xy, yy] = self.moments.covariance();
        // Eigenvalues of the covariance of the pixels' centres.
        let (middle, half) = ((xx + yy) / 2.0, ((xx - yy) / 2.0).hypot(xy));
        let (major, minor) = (middle + half, (middle - half).max(0.0));
        let orientation = if xx == yy {
            if xy > 0.0 { FRAC_PI_4 } else { -FRAC_PI_4 }
        } else {
            0.5 * (2.0 * xy).atan2(yy - xx)
        };
        let mean = self.density / area;
        let across = self.rows.iter().flatten();
        let touches_sides = across
            .into_iter()
            .any(|&(first, last)| first == 0 || last + 1 == width);
        Nucleus {
            label,
            centroid: (y, x),
            area,
            perimeter: crofton(&self.corners),
            major_axis: 4.0 * major.sqrt(),
            minor_axis: 4.0 * minor.sqrt(),
            eccentricity: if major == 0.0 {
                0.0
            } else {
                (1.0 - minor / major).sqrt()
            },
            orientation,
            solidity: area / hull_area(self.top, &self.rows) as f64,
            touches_border: touches_sides || self.top == 0 || self.top + self.rows.len() == height,
            haematoxylin: mean,
            chromatin_sd: (self.density_squared / area - mean * mean).max(0.0).sqrt(),
        }
    }
}

/// Counts, for every nucleus, the patterns of its pixels in all windows of 2 x 2 pixels.
///
/// A pattern is the sum of 8 (top left), 2 (top right), 4 (bottom left), 1 (bottom right) where the
/// pixel belongs to the nucleus. Outside the image nothing does.
fn add_corners(indices: &[Option<usize>], width: usize, parts: &mut [Parts]) {
    let height = indices.len() / width;
    let at = |x: usize, y: usize| {
        // Shifted by 1, so that the row above and the column to the left are 0.
        if x == 0 || y == 0 || x > width || y > height {
            None
        } else {
            indices[(y - 1) * width + x - 1]
        }
    };
    for y in 0..=height {
        let (mut top_left, mut bottom_left) = (None, None);
        for x in 1..=width + 1 {
            let (top_right, bottom_right) = (at(x, y), at(x, y + 1));
            let window = [top_left, top_right, bottom_left, bottom_right];
            (top_left, bottom_left) = (top_right, bottom_right);
            if window.iter().all(|pixel| *pixel == bottom_right) {
                continue;
            }
            for (k, pixel) in window.iter().enumerate() {
                let Some(index) = *pixel else { continue };
                if window[..k].contains(pixel) {
                    continue;
                }
                let weights = window.iter().zip([8, 2, 4, 1]);
                let pattern: usize = weights.map(|(p, w)| if p == pixel { w } else { 0 }).sum();
                parts[index].corners[pattern] += 1;
            }
        }
    }
}

/// Crofton's formula in four directions, from the patterns of 2 x 2 pixels.
///
/// The weights are those of Rivollier's thesis (2010) and of `skimage.measure.perimeter_crofton`.
fn crofton(corners: &[u64; 16]) -> f64 {
    let diagonal = FRAC_PI_4 / SQRT_2;
    let weights = [
        0.0,
        FRAC_PI_4 + diagonal,
        diagonal,
        2.0 * diagonal,
        0.0,
        FRAC_PI_4 + diagonal,
        0.0,
        diagonal,
        FRAC_PI_4,
        FRAC_PI_2,
        diagonal,
        diagonal,
        FRAC_PI_4,
        FRAC_PI_2,
        0.0,
        0.0,
    ];
    let counted = corners.iter().zip(weights);
    counted.map(|(&count, weight)| count as f64 * weight).sum()
}
