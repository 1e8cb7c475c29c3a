//! Area, centroid and spread of a set of pixels.

use std::ops::Add;

/// Sums over pixels; exact, so that sets can be joined.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    n: u64,
    x: u64,
    y: u64,
    xx: u64,
    xy: u64,
    yy: u64,
}

impl Moments {
    pub fn add(&mut self, x: usize, y: usize) {
        let (x, y) = (x as u64, y as u64);
        self.n += 1;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    /// Number of pixels.
    pub fn area(&self) -> f64 {
        self.n as f64
    }

    /// Mean x and y, in pixels from the centre of the first pixel.
    pub fn centroid(&self) -> (f64, f64) {
        (self.x as f64 / self.area(), self.y as f64 / self.area())
    }

    /// Variance of x, covariance, variance of y of the pixels' centres.
    pub fn covariance(&self) -> [f64; 3] {
        // Numerators in integers: differences of large sums would lose digits.
        let n = i128::from(self.n);
        let central = |sum: u64, a: u64, b: u64| {
            (n * i128::from(sum) - i128::from(a) * i128::from(b)) as f64 / (n * n) as f64
        };
        [
            central(self.xx, self.x, self.x),
            central(self.xy, self.x, self.y),
            central(self.yy, self.y, self.y),
        ]
    }

    /// Area over the area of the ellipse with the same second moments: 1 for a full ellipse, less
    /// for a shape with bays or holes.
    ///
    /// A pixel is a unit square, whose variance of 1/12 belongs to the shape.
    pub fn ellipse_fit(&self) -> f64 {
        let [xx, xy, yy] = self.covariance();
        let determinant = (xx + 1.0 / 12.0) * (yy + 1.0 / 12.0) - xy * xy;
        self.area() / (4.0 * std::f64::consts::PI * determinant.sqrt())
    }
}

impl Add for Moments {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            x: self.x + other.x,
            y: self.y + other.y,
            xx: self.xx + other.xx,
            xy: self.xy + other.xy,
            yy: self.yy + other.yy,
        }
    }
}
