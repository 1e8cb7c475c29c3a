//! Merging the pieces of a nucleus that the watershed cut apart.

use super::moments::Moments;
use super::watershed::NONE;

// Weights of the evidence that two pieces are one nucleus, found with those of the segmentation.
/// Width of the neck between them, in widths of the narrower piece.
const NECK: f64 = 0.89;
/// Gain in likeness to an ellipse.
const ELLIPSE: f64 = 4.294;
/// Paleness of the seam between them, in units of the contrast; against.
const DIP: f64 = 0.435;
/// Logarithm of their joint area over that of a typical nucleus; against.
const SIZE: f64 = 0.2;
/// Pairs with a higher score are joined.
const JOINED: f64 = 0.48;

struct Region {
    moments: Moments,
    /// Largest distance to the background.
    radius: f32,
    /// Sum of the absorption.
    absorbed: f64,
}

/// The border between regions `a` and `b`, `a` below `b`.
struct Border {
    a: usize,
    b: usize,
    /// Number of pairs of neighbouring pixels.
    length: f64,
    /// Largest distance to the background on the border.
    neck: f32,
    absorbed: f64,
    /// Evidence that the two are one; `None` until it is weighed (again).
    score: Option<f64>,
}

/// What the regions are made of, pixel by pixel.
pub(super) struct Evidence<'a> {
    /// Distance to the background.
    pub distance: &'a [f32],
    /// Smoothed absorption.
    pub absorbed: &'a [f32],
    /// Contrast between nuclei and background.
    pub contrast: f64,
    /// Area of a nucleus of the expected diameter.
    pub area: f64,
}

/// Joins pairs of regions, the surest pair first, while any pair's score is above the threshold.
pub(super) fn merge(labels: &mut [u32], count: usize, width: usize, evidence: &Evidence) {
    let mut regions: Vec<Region> = (0..count)
        .map(|_| Region {
            moments: Moments::default(),
            radius: 0.0,
            absorbed: 0.0,
        })
        .collect();
    for (pixel, &label) in labels.iter().enumerate() {
        if label != NONE {
            let region = &mut regions[label as usize];
            region.moments.add(pixel % width, pixel / width);
            region.radius = region.radius.max(evidence.distance[pixel]);
            region.absorbed += f64::from(evidence.absorbed[pixel]);
        }
    }
    let mut borders = borders(labels, width, evidence);
    let mut parents: Vec<usize> = (0..count).collect();
    let score = |border: &Border, regions: &[Region]| {
        let (a, b) = (&regions[border.a], &regions[border.b]);
        let union = a.moments + b.moments;
        let (area_a, area_b, area) = (a.moments.area(), b.moments.area(), union.area());
        let apart = (area_a * a.moments.ellipse_fit() + area_b * b.moments.ellipse_fit()) / area;
        let neck = f64::from(border.neck / a.radius.min(b.radius));
        let dip = (a.absorbed / area_a).min(b.absorbed / area_b) - border.absorbed / border.length;
        NECK * neck + ELLIPSE * (union.ellipse_fit() - apart)
            - DIP * dip / evidence.contrast
            - SIZE * (area / evidence.area).ln()
    };
    loop {
        let mut best: Option<(usize, f64)> = None;
        for (k, border) in borders.iter_mut().enumerate() {
            let score = match border.score {
                Some(score) => score,
                None => score(border, &regions),
            };
            border.score = Some(score);
            if score > JOINED && best.is_none_or(|(_, other)| score > other) {
                best = Some((k, score));
            }
        }
        let Some((k, _)) = best else { break };
        let Border { a, b, .. } = borders.swap_remove(k);
        parents[b] = a;
        regions[a].moments = regions[a].moments + regions[b].moments;
        regions[a].radius = regions[a].radius.max(regions[b].radius);
        regions[a].absorbed += regions[b].absorbed;
        for border in &mut borders {
            for side in [&mut border.a, &mut border.b] {
                if *side == b {
                    *side = a;
                }
            }
            if border.a == a || border.b == a {
                border.score = None;
            }
            if border.a > border.b {
                std::mem::swap(&mut border.a, &mut border.b);
            }
        }
        join_doubles(&mut borders);
    }
    for label in labels.iter_mut().filter(|label| **label != NONE) {
        let mut region = *label as usize;
        while parents[region] != region {
            region = parents[region];
        }
        *label = region as u32;
    }
}

fn join_doubles(borders: &mut Vec<Border>) {
    borders.sort_unstable_by_key(|border| (border.a, border.b));
    borders.dedup_by(|later, first| {
        let same = (later.a, later.b) == (first.a, first.b);
        if same {
            first.length += later.length;
            first.neck = first.neck.max(later.neck);
            first.absorbed += later.absorbed;
        }
        same
    });
}

fn borders(labels: &[u32], width: usize, evidence: &Evidence) -> Vec<Border> {
    let mut borders = Vec::new();
    let mut pair = |p: usize, q: usize| {
        let (a, b) = (labels[p], labels[q]);
        if a != b && a != NONE && b != NONE {
            borders.push(Border {
                a: a.min(b) as usize,
                b: a.max(b) as usize,
                length: 1.0,
                neck: evidence.distance[p].min(evidence.distance[q]),
                absorbed: f64::from(evidence.absorbed[p] + evidence.absorbed[q]) / 2.0,
                score: None,
            });
        }
    };
    for p in 0..labels.len() {
        if p % width + 1 < width {
            pair(p, p + 1);
        }
        if p + width < labels.len() {
            pair(p, p + width);
        }
    }
    join_doubles(&mut borders);
    borders
}
