/// What can go wrong while looking into a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network, its weights or its engine refused.
    #[error(transparent)]
    Network(#[from] spolia_network::Error),
    /// A channel that the layer does not have.
    #[error("{layer} has channels 0 to {}, there is no channel {channel}", channels.saturating_sub(1))]
    UnknownChannel {
        /// The layer.
        layer: String,
        /// The channel asked for.
        channel: usize,
        /// How many channels the layer has.
        channels: usize,
    },
    /// A visualization of no steps or no pixels.
    #[error(
        "a visualization needs at least one step and one pixel, got {steps} steps and {size} px"
    )]
    EmptyVisualization {
        /// Steps asked for.
        steps: usize,
        /// Side of the image, pixels.
        size: usize,
    },
    /// An optimisation produced a value that is no number.
    #[error(
        "{layer} channel {channel}: the objective is {value} at step {step}; the activations overflow, check the weights or lower the learning rate"
    )]
    Diverged {
        /// The layer.
        layer: String,
        /// The channel.
        channel: usize,
        /// Step, from 0.
        step: usize,
        /// NaN or infinite.
        value: f32,
    },
    /// The caller asked to stop.
    #[error("stopped before the end, at the caller's request")]
    Stopped,
    /// A name that is not among the known ones.
    #[error("no {kind} `{name}`; there are {known}")]
    UnknownName {
        /// What was named: a preset, a method.
        kind: &'static str,
        /// The name as written.
        name: String,
        /// The known names, separated by commas.
        known: String,
    },
    /// A class that the network does not tell apart.
    #[error(
        "no class {class}: a network with {logits} logit(s) tells {classes} classes apart, from 0"
    )]
    UnknownClass {
        /// Class index asked for.
        class: usize,
        /// How many logits the network has.
        logits: usize,
        /// How many classes that makes.
        classes: usize,
    },
    /// Arrays that do not fit each other.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// Which array.
        what: String,
        /// Expected shape or number of values.
        expected: String,
        /// What was found.
        got: String,
    },
    /// An attention method that does not exist.
    #[error("no attention method `{name}`, did you mean `{nearest}`? There are {known}")]
    UnknownMethod {
        /// The name as written.
        name: String,
        /// The method whose name is most alike.
        nearest: &'static str,
        /// The known names, separated by commas.
        known: String,
    },
    /// A map that a layer's activation and gradient alone do not give.
    #[error("{method} runs the network on changed images; ask for it with `attention::maps`")]
    NeedsNetwork {
        /// The method's name.
        method: &'static str,
    },
    /// An option outside of what it may be.
    #[error("{what} is {value}; give {allowed}")]
    Setting {
        /// The option.
        what: &'static str,
        /// The value given.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A score, a map or an image with NaN or an infinity.
    #[error("{what} has the value {value}; check the weights and the image")]
    NotFinite {
        /// Which.
        what: &'static str,
        /// NaN or infinite.
        value: f64,
    },
    /// A statistic is not defined for the data.
    #[error(transparent)]
    Statistics(#[from] spolia_stats::Error),
    /// An image or mask that cannot be measured.
    #[error(transparent)]
    Measure(#[from] spolia_measure::Error),
    /// A written objective that cannot be read.
    #[error("objective, column {column}: {fault}\n  {text}\n  {}^", " ".repeat(column.saturating_sub(1)))]
    Objective {
        /// As written.
        text: String,
        /// Where the fault stands, from 1.
        column: usize,
        /// What is wrong.
        fault: Box<crate::visualize::objective::Fault>,
    },
    /// An objective without a layer.
    #[error(
        "`{objective}` reads no layer, so there is nothing to visualize; add a term such as `channel(LAYER, 0)`"
    )]
    NoLayer {
        /// As written.
        objective: String,
    },
    /// The optimisation of an objective produced a value that is no number.
    #[error(
        "`{objective}` is {value} at step {step}; check the weights or lower the learning rate"
    )]
    ObjectiveDiverged {
        /// As written.
        objective: String,
        /// Step, from 0.
        step: usize,
        /// NaN or infinite.
        value: f64,
    },
}
