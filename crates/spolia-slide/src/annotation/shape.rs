//! An area made of polygons with holes that do not overlap: its size, what it covers, and what
//! of a rectangle.

use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::float::simplify::SimplifyShape;
use i_overlay::float::single::SingleFloatOverlay;

use super::{Point, Polygon};

/// A ring and the box around it: left, top, right, bottom.
#[derive(Debug, Clone, PartialEq)]
struct Ring {
    points: Vec<Point>,
    bounds: [f64; 4],
}

impl Ring {
    fn new(points: Vec<Point>) -> Self {
        let start = [
            f64::INFINITY,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NEG_INFINITY,
        ];
        let bounds = points.iter().fold(start, |b, p| {
            [
                b[0].min(p[0]),
                b[1].min(p[1]),
                b[2].max(p[0]),
                b[3].max(p[1]),
            ]
        });
        Self { points, bounds }
    }
}

/// An area on a slide. Self-crossing rings are filled by the nonzero winding rule, as ASAP does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shape {
    /// Polygons, each an outer ring and its holes, which run the other way round.
    polygons: Vec<Vec<Ring>>,
}

type Contours = Vec<Vec<Point>>;

/// Twice the area would be as good to compare; this is the area itself, its sign the direction.
fn signed_area(points: &[Point]) -> f64 {
    let Some(&[x0, y0]) = points.first() else {
        return 0.0;
    };
    // relative to a corner, so that far from the origin no digits are lost
    let cross = |a: Point, b: Point| (a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0);
    points
        .windows(2)
        .map(|pair| cross(pair[0], pair[1]))
        .sum::<f64>()
        / 2.0
}

/// Area of one ring by the shoelace formula, whatever it crosses.
pub(super) fn ring_area(points: &[Point]) -> f64 {
    signed_area(points).abs()
}

impl Shape {
    /// The area of some polygons, which may overlap and cross themselves.
    #[must_use]
    pub fn of(polygons: &[Polygon]) -> Self {
        let whole: Vec<Self> = polygons
            .iter()
            .map(|polygon| {
                let outer = Self::filled(&vec![polygon.outer.clone()]);
                if polygon.holes.is_empty() {
                    return outer;
                }
                outer.without(&Self::filled(&polygon.holes))
            })
            .collect();
        Self::union(&whole)
    }

    /// A rectangle.
    #[must_use]
    pub fn rectangle(x: f64, y: f64, w: f64, h: f64) -> Self {
        Self::filled(&vec![vec![[x, y], [x + w, y], [x + w, y + h], [x, y + h]]])
    }

    fn filled(contours: &Contours) -> Self {
        let usable: Contours = contours.iter().filter(|c| c.len() >= 3).cloned().collect();
        if usable.is_empty() {
            return Self::default();
        }
        Self::from_shapes(usable.simplify_shape_as::<i64>(FillRule::NonZero))
    }

    fn from_shapes(shapes: Vec<Contours>) -> Self {
        let ring = |contours: Contours| contours.into_iter().map(Ring::new).collect();
        Self {
            polygons: shapes.into_iter().map(ring).collect(),
        }
    }

    fn shapes(&self) -> Vec<Contours> {
        let points = |rings: &Vec<Ring>| rings.iter().map(|ring| ring.points.clone()).collect();
        self.polygons.iter().map(points).collect()
    }

    /// What any of some shapes covers.
    #[must_use]
    pub fn union(shapes: &[Self]) -> Self {
        match shapes {
            [] => Self::default(),
            [one] => one.clone(),
            many => {
                let all: Vec<Contours> = many.iter().flat_map(Self::shapes).collect();
                if all.is_empty() {
                    return Self::default();
                }
                Self::from_shapes(all.simplify_shape_as::<i64>(FillRule::NonZero))
            }
        }
    }

    /// What this shape covers and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return self.clone();
        }
        let rule = OverlayRule::Difference;
        let (own, cut) = (self.shapes(), other.shapes());
        Self::from_shapes(own.overlay_as::<i64>(&cut, rule, FillRule::NonZero))
    }

    /// Whether it covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.polygons.is_empty()
    }

    /// Its area in pixels of level 0.
    #[must_use]
    pub fn area(&self) -> f64 {
        let ring = |ring: &Ring| signed_area(&ring.points);
        self.polygons
            .iter()
            .map(|rings| rings.iter().map(ring).sum::<f64>().abs())
            .sum()
    }

    /// The box around it: left, top, right, bottom; `None` for an empty one.
    #[must_use]
    pub fn bounds(&self) -> Option<[f64; 4]> {
        self.polygons
            .iter()
            .filter_map(|rings| rings.first())
            .map(|ring| ring.bounds)
            .reduce(|a, b| {
                [
                    a[0].min(b[0]),
                    a[1].min(b[1]),
                    a[2].max(b[2]),
                    a[3].max(b[3]),
                ]
            })
    }

    /// Whether a point lies inside.
    #[must_use]
    pub fn contains(&self, x: f64, y: f64) -> bool {
        // rings of a resolved shape do not cross: a ray meets them an odd number of times inside
        let crossings = |ring: &Ring| {
            if y < ring.bounds[1] || y > ring.bounds[3] || x > ring.bounds[2] {
                return 0;
            }
            edges(&ring.points)
                .filter(|&([ax, ay], [bx, by])| {
                    (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax)
                })
                .count()
        };
        self.rings().map(crossings).sum::<usize>() % 2 == 1
    }

    /// Where a horizontal line lies inside: spans from left to right.
    pub(crate) fn row(&self, y: f64) -> Vec<(f64, f64)> {
        let mut crossings: Vec<f64> = self
            .rings()
            .filter(|ring| y >= ring.bounds[1] && y <= ring.bounds[3])
            .flat_map(|ring| edges(&ring.points))
            .filter(|&([_, ay], [_, by])| (ay > y) != (by > y))
            .map(|([ax, ay], [bx, by])| ax + (y - ay) / (by - ay) * (bx - ax))
            .collect();
        crossings.sort_by(f64::total_cmp);
        crossings
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&[from, to]| (from, to))
            .collect()
    }

    /// Share of a rectangle that it covers, 0 to 1; 0 for a rectangle without area.
    #[must_use]
    pub fn share(&self, x: f64, y: f64, w: f64, h: f64) -> f64 {
        let area = w * h;
        if !(area.is_finite() && area > 0.0) {
            return 0.0;
        }
        let (right, bottom) = (x + w, y + h);
        let covered: f64 = self
            .polygons
            .iter()
            .map(|rings| {
                let inside = rings.iter().map(|ring| {
                    let [l, t, r, b] = ring.bounds;
                    if r <= x || l >= right || b <= y || t >= bottom {
                        return 0.0;
                    }
                    signed_area(&clip(&ring.points, [x, y, right, bottom]))
                });
                inside.sum::<f64>().abs()
            })
            .sum();
        (covered / area).clamp(0.0, 1.0)
    }

    fn rings(&self) -> impl Iterator<Item = &Ring> {
        self.polygons.iter().flatten()
    }

    /// Its rings, outer ones and holes, to be drawn.
    pub fn outlines(&self) -> impl Iterator<Item = &[Point]> {
        self.rings().map(|ring| ring.points.as_slice())
    }
}

fn edges(points: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    points
        .iter()
        .copied()
        .zip(points.iter().copied().cycle().skip(1))
}

/// The part of a ring inside a box, by Sutherland and Hodgman (Comm. ACM 1974). Where the part
/// falls into pieces they stay joined along the border, which adds no area.
fn clip(points: &[Point], [left, top, right, bottom]: [f64; 4]) -> Vec<Point> {
    let mut points = points.to_vec();
    // axis, limit, and whether what is above the limit is kept
    for (axis, limit, above) in [
        (0, left, true),
        (0, right, false),
        (1, top, true),
        (1, bottom, false),
    ] {
        let inside = |p: Point| {
            if above {
                p[axis] >= limit
            } else {
                p[axis] <= limit
            }
        };
        let mut kept = Vec::with_capacity(points.len() + 4);
        for (a, b) in edges(&points) {
            if inside(a) {
                kept.push(a);
            }
            if inside(a) != inside(b) {
                let t = (limit - a[axis]) / (b[axis] - a[axis]);
                let other = a[1 - axis] + t * (b[1 - axis] - a[1 - axis]);
                kept.push(if axis == 0 {
                    [limit, other]
                } else {
                    [other, limit]
                });
            }
        }
        points = kept;
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, y: f64, side: f64) -> Vec<Point> {
        vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side]]
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6 * b.abs().max(1.0)
    }

    #[test]
    fn a_square_with_a_hole() {
        let polygon = Polygon {
            outer: square(10.0, 10.0, 10.0),
            holes: vec![square(12.0, 12.0, 5.0)],
        };
        let shape = Shape::of(&[polygon]);
        assert!(close(shape.area(), 75.0));
        assert!(
            shape.contains(11.0, 11.0) && !shape.contains(14.0, 14.0) && !shape.contains(5.0, 15.0)
        );
        assert!(close(shape.share(0.0, 0.0, 20.0, 20.0), 75.0 / 400.0));
        assert!(close(shape.share(12.0, 12.0, 5.0, 5.0), 0.0));
        assert!(close(shape.share(11.0, 11.0, 2.0, 2.0), 0.75));
        assert_eq!(shape.share(30.0, 0.0, 5.0, 5.0), 0.0);
    }

    #[test]
    fn overlaps_count_once_and_crossings_are_filled() {
        let two = [square(0.0, 0.0, 10.0), square(5.0, 0.0, 10.0)].map(|outer| Polygon {
            outer,
            holes: vec![],
        });
        assert!(close(Shape::of(&two).area(), 150.0));
        // opposite directions do not cancel
        let mut other = two.clone();
        other[1].outer.reverse();
        assert!(close(Shape::of(&other).area(), 150.0));
        let bow = Polygon {
            outer: vec![[0.0, 0.0], [10.0, 10.0], [10.0, 0.0], [0.0, 10.0]],
            holes: vec![],
        };
        assert!(close(Shape::of(&[bow]).area(), 50.0));
    }

    #[test]
    fn a_part_that_falls_into_pieces() {
        // a U whose two arms reach into the box
        let u = vec![
            [0.0, 0.0],
            [2.0, 0.0],
            [2.0, 8.0],
            [8.0, 8.0],
            [8.0, 0.0],
            [10.0, 0.0],
            [10.0, 10.0],
            [0.0, 10.0],
        ];
        let shape = Shape::of(&[Polygon {
            outer: u,
            holes: vec![],
        }]);
        assert!(close(shape.share(0.0, 0.0, 10.0, 4.0), 16.0 / 40.0));
    }

    #[test]
    fn nothing_covers_nothing() {
        let none = Shape::of(&[Polygon {
            outer: vec![[0.0, 0.0], [1.0, 1.0]],
            holes: vec![],
        }]);
        assert!(none.is_empty() && none.bounds().is_none());
        assert_eq!(none.share(0.0, 0.0, 1.0, 1.0), 0.0);
        assert_eq!(
            Shape::rectangle(0.0, 0.0, 4.0, 4.0).share(0.0, 0.0, 0.0, 0.0),
            0.0
        );
    }
}
