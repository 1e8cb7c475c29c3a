//! How much of a network's answer to its own image the other network's image keeps.

/// A channel's mean activation in two networks on the images that were made for each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossActivation {
    /// The first network on its own image.
    pub first_on_first: f64,
    /// The first network on the second's image.
    pub first_on_second: f64,
    /// The second network on the first's image.
    pub second_on_first: f64,
    /// The second network on its own image.
    pub second_on_second: f64,
}

impl CrossActivation {
    /// The share of its answer that each network keeps on the other's image, mean of both: 1 where the channel still looks
    /// for the same, 0 where it has nothing to do with it. None where a network does not answer to its own image.
    ///
    /// ```
    /// use spolia_interpret::visualize::compare::CrossActivation;
    ///
    /// let channel = CrossActivation {
    ///     first_on_first: 4.0,
    ///     first_on_second: 1.0,
    ///     second_on_first: 1.5,
    ///     second_on_second: 2.0,
    /// };
    /// assert_eq!(channel.ratio(), Some(0.5));
    /// assert_eq!(CrossActivation { first_on_first: 0.0, ..channel }.ratio(), None);
    /// ```
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let own = [self.first_on_first, self.second_on_second];
        own.iter().all(|own| *own > 0.0).then(|| {
            f64::midpoint(
                self.first_on_second / self.first_on_first,
                self.second_on_first / self.second_on_second,
            )
        })
    }
}
