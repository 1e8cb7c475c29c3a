//! Tidying a binary image: holes, specks and threads.

use super::distance::squared_distance;

/// Visits the 4-connected (`diagonal`: 8-connected) regions of pixels that equal `value`.
///
/// `visit` gets the pixels of a region and whether it touches the image's border.
fn regions(
    image: &[bool],
    width: usize,
    value: bool,
    diagonal: bool,
    mut visit: impl FnMut(&[usize], bool),
) {
    let height = image.len() / width;
    let mut seen = vec![false; image.len()];
    let mut region = Vec::new();
    for start in 0..image.len() {
        if seen[start] || image[start] != value {
            continue;
        }
        seen[start] = true;
        region.clear();
        region.push(start);
        let (mut next, mut border) = (0, false);
        while next < region.len() {
            let pixel = region[next];
            next += 1;
            let (x, y) = (pixel % width, pixel / width);
            border |= x == 0 || y == 0 || x + 1 == width || y + 1 == height;
            let mut reach = |other: usize| {
                if !seen[other] && image[other] == value {
                    seen[other] = true;
                    region.push(other);
                }
            };
            let (left, right) = (x > 0, x + 1 < width);
            for row in [
                (y > 0).then(|| pixel - width),
                (y + 1 < height).then(|| pixel + width),
            ] {
                let Some(above_or_below) = row else { continue };
                reach(above_or_below);
                if diagonal && left {
                    reach(above_or_below - 1);
                }
                if diagonal && right {
                    reach(above_or_below + 1);
                }
            }
            if left {
                reach(pixel - 1);
            }
            if right {
                reach(pixel + 1);
            }
        }
        visit(&region, border);
    }
}

/// Fills the holes of at most `largest` px; a hole is a 4-connected background region inside.
pub(super) fn fill_holes(image: &mut [bool], width: usize, largest: f64) {
    let mut filled = Vec::new();
    regions(image, width, false, false, |region, border| {
        if !border && region.len() as f64 <= largest {
            filled.extend_from_slice(region);
        }
    });
    for pixel in filled {
        image[pixel] = true;
    }
}

/// Removes the 8-connected regions of less than `smallest` px.
pub(super) fn remove_specks(image: &mut [bool], width: usize, smallest: f64) {
    let mut removed = Vec::new();
    regions(image, width, true, true, |region, _| {
        if (region.len() as f64) < smallest {
            removed.extend_from_slice(region);
        }
    });
    for pixel in removed {
        image[pixel] = false;
    }
}

/// Opens with a disk of `radius` px: what no such disk inside the image's regions covers is removed.
///
/// Below 1 px there is nothing to remove.
pub(super) fn open(image: &mut [bool], width: usize, height: usize, radius: f64) {
    if radius < 1.0 {
        return;
    }
    let square = (radius * radius) as f32;
    let depth = squared_distance(image, width, height);
    let outside_centres: Vec<bool> = depth.iter().map(|&depth| depth <= square).collect();
    let from_centres = squared_distance(&outside_centres, width, height);
    for (inside, from_centre) in image.iter_mut().zip(from_centres) {
        *inside &= from_centre <= square;
    }
}
