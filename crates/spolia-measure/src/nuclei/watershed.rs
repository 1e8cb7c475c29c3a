//! Watershed of a relief inside a mask: one region per summit.

/// No region: outside the mask.
pub(super) const NONE: u32 = u32::MAX;

/// The regions (0, 1, … in the order of their summits, highest first; [`NONE`] outside the mask)
/// around the summits of `relief` that rise at least `height` above the pass to a higher one.
///
/// Flooding from above, 8-connected: pixels come in descending order and join the region of their
/// highest neighbour. Where two regions meet, the lower one is absorbed if its summit is less than
/// `height` above the pass (dynamics; Grimaud 1992), as markers from the h-maxima would have it.
pub(super) fn watershed(
    relief: &[f32],
    mask: &[bool],
    width: usize,
    height: f32,
) -> (Vec<u32>, usize) {
    let rows = relief.len() / width;
    // Positive floats sort as their bits do; ties by place.
    let mut order: Vec<(u32, u32)> = (0..relief.len())
        .filter(|&pixel| mask[pixel])
        .map(|pixel| (!relief[pixel].max(0.0).to_bits(), pixel as u32))
        .collect();
    order.sort_unstable();

    let mut labels = vec![NONE; relief.len()];
    let mut summits: Vec<f32> = Vec::new();
    let mut parents: Vec<u32> = Vec::new();
    for &(_, pixel) in &order {
        let pixel = pixel as usize;
        let (x, y) = (pixel % width, pixel / width);
        let mut around = [NONE; 8];
        let mut count = 0;
        let (mut highest, mut own) = (f32::NEG_INFINITY, NONE);
        for y2 in y.saturating_sub(1)..=(y + 1).min(rows - 1) {
            for x2 in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                let other = y2 * width + x2;
                if labels[other] == NONE {
                    continue;
                }
                let root = find(&mut parents, labels[other]);
                around[count] = root;
                count += 1;
                if relief[other] > highest {
                    (highest, own) = (relief[other], root);
                }
            }
        }
        if own == NONE {
            own = summits.len() as u32;
            summits.push(relief[pixel]);
            parents.push(own);
        }
        labels[pixel] = own;
        for &other in &around[..count] {
            let (a, b) = (find(&mut parents, own), find(&mut parents, other));
            // Summits come in descending order: the later one is the lower one.
            let (high, low) = (a.min(b), a.max(b));
            if high != low && summits[low as usize] - relief[pixel] < height {
                parents[low as usize] = high;
            }
        }
    }
    // Number the regions that are left.
    let mut numbers = vec![NONE; parents.len()];
    let mut count = 0;
    for region in 0..parents.len() as u32 {
        if parents[region as usize] == region {
            numbers[region as usize] = count;
            count += 1;
        }
    }
    for label in labels.iter_mut().filter(|label| **label != NONE) {
        *label = numbers[find(&mut parents, *label) as usize];
    }
    (labels, count as usize)
}

fn find(parents: &mut [u32], mut region: u32) -> u32 {
    while parents[region as usize] != region {
        let above = parents[parents[region as usize] as usize];
        parents[region as usize] = above;
        region = above;
    }
    region
}
