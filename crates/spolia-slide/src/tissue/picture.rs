//! A picture of a slide with its tissue, annotations and patches drawn, for a person to check.

use image::{Rgb, RgbImage};

use super::Mask;
use crate::Result;
use crate::annotation::{Label, Shape};
use crate::patches::Patch;
use crate::slide::Slide;

/// Borders of tissue.
const TISSUE: Rgb<u8> = Rgb([0, 140, 70]);
/// Outlines of tumour.
const TUMOR: Rgb<u8> = Rgb([220, 30, 30]);
/// Frames of patches by label: normal, tumour, none.
const FRAMES: [Rgb<u8>; 3] = [Rgb([30, 90, 220]), Rgb([250, 130, 0]), Rgb([90, 90, 90])];

/// Draws a slide at the size of its mask: tissue bordered green, tumour outlined red, patches
/// framed blue (normal), orange (tumour) or gray (no label).
///
/// # Errors
/// The slide cannot be read.
pub fn picture(
    slide: &Slide,
    mask: &Mask,
    tumor: Option<&Shape>,
    patches: &[Patch],
) -> Result<RgbImage> {
    let (width, height) = mask.dimensions();
    let mut image = slide.thumbnail(width.max(height) as u32)?;
    let cells = mask.cells();
    for at in 0..cells.len() {
        let (x, y) = (at % width, at / width);
        let right = x + 1 < width && cells[at] != cells[at + 1];
        let below = y + 1 < height && cells[at] != cells[at + width];
        if right || below {
            dot(&mut image, x as i64, y as i64, TISSUE);
        }
    }
    let scale = 1.0 / mask.downsample();
    for patch in patches {
        let color = match patch.label {
            Some(Label::Normal) => FRAMES[0],
            Some(Label::Tumor) => FRAMES[1],
            None => FRAMES[2],
        };
        let (x, y) = (patch.x as f64 * scale, patch.y as f64 * scale);
        let side = patch.span * scale;
        let corners = [[x, y], [x + side, y], [x + side, y + side], [x, y + side]];
        ring(&mut image, &corners, 1.0, color);
    }
    for outline in tumor.into_iter().flat_map(Shape::outlines) {
        ring(&mut image, outline, scale, TUMOR);
    }
    Ok(image)
}

/// Marks a place: one pixel for each thousand of the picture's longer side, and one more.
fn dot(image: &mut RgbImage, x: i64, y: i64, color: Rgb<u8>) {
    let side = i64::from(1 + image.width().max(image.height()) / 1_000);
    for (dx, dy) in (0..side).flat_map(|dy| (0..side).map(move |dx| (dx, dy))) {
        if let (Ok(x), Ok(y)) = (u32::try_from(x + dx), u32::try_from(y + dy))
            && let Some(pixel) = image.get_pixel_mut_checked(x, y)
        {
            *pixel = color;
        }
    }
}

fn ring(image: &mut RgbImage, points: &[[f64; 2]], scale: f64, color: Rgb<u8>) {
    let next = points.iter().cycle().skip(1);
    for (a, b) in points.iter().zip(next) {
        line(image, a.map(|v| v * scale), b.map(|v| v * scale), color);
    }
}

fn line(image: &mut RgbImage, a: [f64; 2], b: [f64; 2], color: Rgb<u8>) {
    // points far outside of the slide are not walked to
    let near = f64::from(image.width().max(image.height())) * 4.0;
    if [a, b]
        .iter()
        .flatten()
        .any(|v| v.is_nan() || v.abs() > near)
    {
        return;
    }
    let steps = (b[0] - a[0]).abs().max((b[1] - a[1]).abs()).ceil().max(1.0);
    for step in 0..=steps as u32 {
        let t = f64::from(step) / steps;
        let [x, y] = [0, 1].map(|axis| (a[axis] + t * (b[axis] - a[axis])).floor() as i64);
        dot(image, x, y, color);
    }
}
