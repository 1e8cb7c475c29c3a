//! Specks removed and holes filled, by size.

/// Pieces of tissue (4-connected) smaller than `smallest` become glass, then holes of at most
/// `largest` cells that do not touch the border become tissue.
pub(super) fn clean(tissue: &mut [bool], width: usize, smallest: usize, largest: usize) {
    change(tissue, width, true, |size, _| size < smallest);
    change(tissue, width, false, |size, border| {
        size <= largest && !border
    });
}

/// Turns over every piece of `value` that `turn` says so of, given its size and whether it touches
/// the border.
fn change(tissue: &mut [bool], width: usize, value: bool, turn: impl Fn(usize, bool) -> bool) {
    if width == 0 {
        return;
    }
    let height = tissue.len() / width;
    let mut seen = vec![false; tissue.len()];
    let mut piece = Vec::new();
    for start in 0..tissue.len() {
        if seen[start] || tissue[start] != value {
            continue;
        }
        piece.clear();
        piece.push(start);
        seen[start] = true;
        let (mut done, mut border) = (0, false);
        while let Some(&at) = piece.get(done) {
            done += 1;
            let (x, y) = (at % width, at / width);
            border |= x == 0 || y == 0 || x + 1 == width || y + 1 == height;
            let neighbours = [
                (x > 0).then(|| at - 1),
                (x + 1 < width).then_some(at + 1),
                (y > 0).then(|| at - width),
                (y + 1 < height).then_some(at + width),
            ];
            for next in neighbours.into_iter().flatten() {
                if !seen[next] && tissue[next] == value {
                    seen[next] = true;
                    piece.push(next);
                }
            }
        }
        if turn(piece.len(), border) {
            for &at in &piece {
                tissue[at] = !value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn specks_go_and_holes_close() {
        let rows = [
            "#......", ".#####.", ".#.#.#.", ".#####.", ".......", "..##..#",
        ];
        let mut tissue: Vec<bool> = rows.concat().chars().map(|c| c == '#').collect();
        clean(&mut tissue, 7, 3, 1);
        let kept: String = tissue.iter().map(|&t| if t { '#' } else { '.' }).collect();
        let wanted = [
            ".......", ".#####.", ".#####.", ".#####.", ".......", ".......",
        ];
        assert_eq!(kept, wanted.concat());
    }
}
