//! Natural-like images beside the study's patches: photographs, or noise with photographs' spectrum and colours.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use spolia_dataset::RgbPatch;
use spolia_interpret::visualize::Fourier;
use spolia_interpret::visualize::colour::Colour;

/// An image of noise whose amplitude falls with 1 / frequency, as in photographs on average (Field 1987), and whose colours
/// vary as ImageNet's do (Lucid's principal axes): natural in its statistics of second order alone, without edges or objects.
/// Stream `item` of `seed`.
#[must_use]
pub fn noise(side: usize, seed: u64, item: u64) -> RgbPatch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(item);
    let fourier = Fourier::new(side, side, 1.0);
    let mut work = fourier.workspace();
    let mut planes = vec![0.0; 3 * side * side];
    for plane in planes.chunks_exact_mut(side * side) {
        let mut spectrum: Vec<f32> = (0..fourier.len())
            .map(|_| StandardNormal.sample(&mut rng))
            .collect();
        // The mean is drawn with the rest of it; its coefficient would dominate.
        let mean = fourier.index(0, 0);
        spectrum[mean] = 0.0;
        spectrum[mean + 1] = 0.0;
        fourier.image(&spectrum, plane, &mut work);
        let square: f64 = plane.iter().map(|v| f64::from(*v).powi(2)).sum();
        let deviation = (square / (side * side) as f64).sqrt().max(1e-12) as f32;
        plane.iter_mut().for_each(|v| *v /= deviation);
    }
    Colour::LUCID.to_rgb(&mut planes);
    let pixels = side * side;
    let data =
        (0..pixels).flat_map(|i| [0, 1, 2].map(|c| (255.0 * planes[c * pixels + i]).round() as u8));
    RgbPatch {
        width: side,
        height: side,
        data: data.collect(),
    }
}

/// The largest square in the middle of a photograph, brought to `side` pixels.
///
/// # Errors
/// The image has no pixels.
pub fn square(photograph: RgbPatch, side: usize) -> miette::Result<RgbPatch> {
    let (width, height) = (photograph.width as u32, photograph.height as u32);
    let image = image::RgbImage::from_raw(width, height, photograph.data)
        .ok_or_else(|| miette::miette!("an image without pixels"))?;
    let least = width.min(height);
    let (left, top) = ((width - least) / 2, (height - least) / 2);
    let middle = image::imageops::crop_imm(&image, left, top, least, least).to_image();
    let side = side as u32;
    let filter = image::imageops::FilterType::CatmullRom;
    let resized = image::imageops::resize(&middle, side, side, filter);
    Ok(RgbPatch {
        width: side as usize,
        height: side as usize,
        data: resized.into_raw(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Power of the green channel's rows at a horizontal frequency.
    fn power(image: &RgbPatch, frequency: usize) -> f64 {
        let side = image.width;
        let rows = (0..image.height).map(|y| {
            let (mut re, mut im) = (0.0, 0.0);
            for x in 0..side {
                let value = f64::from(image.data[3 * (y * side + x) + 1]);
                let angle = std::f64::consts::TAU * (frequency * x) as f64 / side as f64;
                re += value * angle.cos();
                im += value * angle.sin();
            }
            re * re + im * im
        });
        rows.sum()
    }

    #[test]
    fn noise_has_more_power_in_low_frequencies() {
        let (mut low, mut high) = (0.0, 0.0);
        for item in 0..8 {
            let image = noise(64, 3, item);
            low += power(&image, 2);
            high += power(&image, 16);
        }
        // Of a 1/f² spectrum in two dimensions, rows' power falls about as 1/f: 8-fold and more.
        assert!(low > 6.0 * high && low < 100.0 * high, "{low} {high}");
        assert_eq!(noise(20, 3, 1), noise(20, 3, 1));
        assert_ne!(noise(20, 3, 1), noise(20, 3, 2));
    }

    #[test]
    fn a_square_is_the_middle() {
        let data = (0..4 * 2).flat_map(|i| [if (1..3).contains(&(i % 4)) { 200 } else { 0 }; 3]);
        let wide = RgbPatch {
            width: 4,
            height: 2,
            data: data.collect(),
        };
        let got = square(wide, 2).unwrap();
        assert_eq!(got.data, [200; 12]);
    }
}
