//! The one list of everything that a study file may say.
//!
//! The template, the documentation, the defaults and the suggestions in error messages all come
//! from [`KEYS`]; nothing else states a default.

/// A part of the study file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// Keys above the first heading.
    Study,
    /// `[patches]`.
    Patches,
    /// `[network.NAME]`, one per network.
    Network,
    /// `train = { … }` of a network.
    Train,
    /// `[visualize]`.
    Visualize,
    /// `[attention]`.
    Attention,
    /// `select = { … }` of `[attention]`.
    Select,
    /// `[concepts]`.
    Concepts,
    /// `[drift]`.
    Drift,
    /// `[sweep]`.
    Sweep,
}

impl Section {
    /// All sections in the order of the file.
    pub const ALL: [Section; 10] = [
        Section::Study,
        Section::Patches,
        Section::Network,
        Section::Train,
        Section::Sweep,
        Section::Visualize,
        Section::Attention,
        Section::Select,
        Section::Concepts,
        Section::Drift,
    ];

    /// How the section is headed in the file.
    pub fn heading(self) -> &'static str {
        match self {
            Section::Study => "the top of the file",
            Section::Patches => "[patches]",
            Section::Network => "[network.NAME]",
            Section::Train => "train = { … }",
            Section::Visualize => "[visualize]",
            Section::Attention => "[attention]",
            Section::Select => "select = { … }",
            Section::Concepts => "[concepts]",
            Section::Drift => "[drift]",
            Section::Sweep => "[sweep]",
        }
    }

    /// What the section is for, in one sentence.
    pub fn doc(self) -> &'static str {
        match self {
            Section::Study => "What the study is called and where its randomness starts.",
            Section::Patches => "The labelled images and how they are split.",
            Section::Network => {
                "A network to compare; NAME is yours. Its weights are random, from a file, or another network's."
            }
            Section::Train => {
                "Finetunes the network on the training patches; without it the network stays as it starts."
            }
            Section::Visualize => {
                "Feature visualization: the image that excites a channel most. Leave the section out to skip the step."
            }
            Section::Attention => {
                "Class activation maps: where in a patch the evidence lies. Leave the section out to skip the step."
            }
            Section::Select => {
                "The patches that attention looks at, by the network's own prediction."
            }
            Section::Drift => {
                "Layer drift: how far each layer moved between any two networks. Pairs that differ by their seeds alone are the nulls. Leave the section out to skip the step."
            }
            Section::Sweep => {
                "Partial reuse: one network for each cut, seed and so on, trained alike; what keeping each depth is worth. Leave the section out to skip it."
            }
            Section::Concepts => {
                "Regression concept vectors: how well a layer predicts a measure of the image. Leave the section out to skip the step."
            }
        }
    }
}

/// What holds where a key is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// This TOML value.
    Value(&'static str),
    /// No value; the words say what happens instead, the second text is an example.
    Nothing {
        /// What happens without the key.
        then: &'static str,
        /// An example value, as TOML.
        example: &'static str,
    },
}

/// One key of the study file.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Where it stands.
    pub section: Section,
    /// Its name.
    pub name: &'static str,
    /// What it accepts.
    pub accepts: &'static str,
    /// What holds without it.
    pub absent: Absent,
    /// One line of documentation.
    pub doc: &'static str,
}

const fn key(
    section: Section,
    name: &'static str,
    accepts: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Key {
    let absent = Absent::Value(default);
    Key {
        section,
        name,
        accepts,
        absent,
        doc,
    }
}

const fn unset(
    section: Section,
    name: &'static str,
    accepts: &'static str,
    then: &'static str,
    example: &'static str,
    doc: &'static str,
) -> Key {
    let absent = Absent::Nothing { then, example };
    Key {
        section,
        name,
        accepts,
        absent,
        doc,
    }
}

/// Every key, in the order of the template.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key(Section::Study, "name", "text", "\"study\"", "Names the study in the report."),
    key(Section::Study, "seed", "whole number", "0", "Where all randomness starts: same study, same seed, same result."),

    key(Section::Patches, "images", "path or list of paths", "\"patches\"", "Labelled images: a folder, a CSV or an HDF5 file, relative to this file."),
    unset(Section::Patches, "slides", "path or pattern, or list of these", "patches come from images", "\"slides/*.tif\"", "Whole slides to cut patches out of, relative to this file."),
    unset(Section::Patches, "annotations", "path or pattern, or list of these", "slides have no annotations", "\"annotations/*.xml\"", "Annotations of the slides (ASAP XML, QuPath GeoJSON), each called as its slide."),
    unset(Section::Patches, "mpp", "number above 0", "level says the resolution", "1.0", "µm per pixel of the patches of slides."),
    unset(Section::Patches, "level", "whole number", "mpp says the resolution", "0", "Level of the slides' pyramids that patches are read from, in place of mpp."),
    unset(Section::Patches, "slide_mpp", "number above 0", "the slides' files say", "0.25", "µm per pixel of level 0, of slides whose file does not say."),
    key(Section::Patches, "per_slide", "whole number", "500", "Most patches of each class of a slide, drawn by the seed from its tissue."),
    key(Section::Patches, "unannotated", "\"leave-out\" or \"normal\"", "\"leave-out\"", "What a slide without annotations is: normal all over, or a problem."),
    key(Section::Patches, "label", "\"share\", \"centre\" or \"central\"", "\"share\"", "How a patch of a slide gets its label: by the share of its area that is tumour, by what lies at its centre, or as tumour where any lies in its central square (PatchCamelyon)."),
    key(Section::Patches, "tumor_share", "share from 0 to 1", "0.6", "By share: a patch of at least this share of tumour is tumour."),
    key(Section::Patches, "normal_share", "share from 0 to 1", "0.0", "By share: a patch of at most this share of tumour is normal; what lies between is left out."),
    key(Section::Patches, "central", "pixels", "32", "Central: side of that square."),
    unset(Section::Patches, "exclude", "list of slides", "all slides are annotated exhaustively", "[\"patient_004_node_4\"]", "Slides, by name, whose tumour is not annotated exhaustively: no normal patches of them."),
    key(Section::Patches, "stain", "\"as-is\", \"macenko\" or \"reinhard\"", "\"as-is\"", "Gives patches of slides the stains of another image, slide by slide; a slide whose own cannot be told is a problem and left as it is."),
    unset(Section::Patches, "stain_target", "path", "the method's published reference", "\"target.png\"", "An image or a slide with the stains wanted, relative to this file."),
    key(Section::Patches, "size", "pixels or \"as-is\"", "\"as-is\"", "Side of a patch in pixels; an image of another size is reported as a problem. As-is: all as large as the first; 224 of slides."),
    key(Section::Patches, "classes", "two names", "[\"normal\", \"tumor\"]", "What labels 0 and 1 mean; the second is the positive class."),
    key(Section::Patches, "most", "number or \"all\"", "\"all\"", "At most so many patches of each class in each of train, validation and test, drawn by the seed."),
    key(Section::Patches, "split_by", "\"centre\", \"patient\", \"slide\" or \"image\"", "\"patient\"", "What is never shared between train, validation and test. A split that the images state themselves is kept."),
    key(Section::Patches, "val", "share from 0 to 1", "0.15", "Share of patients (centres, slides, images) for validation."),
    key(Section::Patches, "test", "share from 0 to 1", "0.15", "Share of patients (centres, slides, images) for the test."),
    unset(Section::Patches, "test_centres", "list of centres", "the test is a share of all centres", "[\"centre_4\"]", "Centres whose patches are the test, and they alone; `test` then says nothing."),
    key(Section::Patches, "allow_leaks", "true or false", "false", "Goes on although a patient, a slide or the same image is on both sides of the split."),

    key(Section::Network, "init", "\"xavier\", \"mean-var\", \"shuffled\" or \"statistics\"", "\"xavier\"", "How random weights are drawn. From the network that start names, mean-var takes each layer's mean and variance, shuffled each layer's values in a random order, statistics batch norm alone (scale, shift and running statistics): controls that keep the scale and not the features."),
    unset(Section::Network, "weights", "path", "weights are random or another network's", "\"inception_v3.safetensors\"", "A weights file, relative to this file."),
    unset(Section::Network, "convention", "\"keras\" or \"torchvision\"", "taken from the weights file", "\"keras\"", "What the weights file was trained with (padding of pools, epsilon of batch norm)."),
    unset(Section::Network, "start", "name of a network", "the network starts by itself", "\"pretrained\"", "The network of this study whose weights it starts from."),
    unset(Section::Network, "keep", "layer", "all of start's layers are kept", "\"Mixed_6a\"", "The last layer kept from start; later layers start from random (see init)."),
    unset(Section::Network, "freeze", "layer", "all layers are trained", "\"Mixed_5d\"", "The last layer that training leaves as it is, batch norm's statistics included."),
    unset(Section::Network, "seed", "whole number", "the study's seed", "0", "Seed of this network's random weights and training."),
    unset(Section::Network, "train", "table", "the network is not trained", "{ epochs = 30 }", "Finetunes the network; its keys are listed below, {} takes every default."),

    key(Section::Train, "epochs", "whole number", "30", "Times that every training patch is seen."),
    key(Section::Train, "learning_rate", "number", "1e-4", "Step size of stochastic gradient descent."),
    key(Section::Train, "decay", "number", "1e-6", "The step size of iteration t is learning_rate / (1 + decay t)."),
    key(Section::Train, "momentum", "number below 1", "0.9", "Nesterov momentum."),
    key(Section::Train, "batch", "whole number", "32", "Patches per iteration. A number, not auto: what fits differs between machines, and the batch decides what is learned."),
    key(Section::Train, "augment", "\"paper\", \"none\" or some of \"flips,hue,brightness,hed\"", "\"paper\"", "Paper: random flips, hue and brightness; hed makes haematoxylin and eosin stronger or weaker."),
    key(Section::Train, "shuffle", "\"yes\" or \"no\"", "\"yes\"", "New order of the patches in every epoch."),
    key(Section::Train, "most", "number or \"all\"", "\"all\"", "At most so many training patches of each class, drawn by the network's seed; a smaller number's lie among a larger one's."),
    key(Section::Train, "labels", "\"true\" or \"random\"", "\"true\"", "Random: a control that learns the training patches' labels in a random order; validation and test keep theirs."),
    unset(Section::Train, "leave_out", "name of a centre", "all centres are trained on", "\"2\"", "Centre whose patches are neither trained on nor validated with."),

    unset(Section::Sweep, "start", "name of a network", "the only network from a file", "\"pretrained\"", "The network whose stages are kept."),
    key(Section::Sweep, "cuts", "list of layers, \"none\" and \"all\"", "[\"none\", \"Conv2d_2b_3x3\", \"Conv2d_4a_3x3\", \"Mixed_5d\", \"Mixed_6a\", \"Mixed_6e\", \"all\"]", "The last stage kept from start, from none (all random) to all."),
    key(Section::Sweep, "seeds", "list of whole numbers", "[1, 2, 3]", "Trainings of each arm: seeds of what is random in weights, order, augmentation and choice of patches. Three at least; ten are better."),
    key(Section::Sweep, "init", "list of \"xavier\", \"mean-var\", \"shuffled\", \"statistics\"", "[\"xavier\"]", "How the stages behind the cut are drawn, as of a network's init."),
    key(Section::Sweep, "freeze", "list of \"no\", \"yes\"", "[\"no\"]", "Whether the kept stages are trained too (no) or stay as they are (yes)."),
    key(Section::Sweep, "sizes", "list of whole numbers, \"all\"", "[\"all\"]", "Most training patches of each class."),
    key(Section::Sweep, "controls", "\"none\" or list of \"shuffled\", \"statistics\", \"mean-var\", \"random-labels\"", "[\"shuffled\", \"statistics\", \"random-labels\"]", "Trainings from start's shuffled weights, from its batch norm alone (scale, shift and running statistics), from its layers' means and variances, and from all of it with the training labels in a random order."),
    unset(Section::Sweep, "leave_out", "list of centres", "all centres are trained on", "[\"1\", \"2\"]", "Centres that every cut is trained without too, once for each, and tested on."),
    key(Section::Sweep, "target", "number from 0.5 to 1", "0.8", "AUC on validation patches of which the first epoch that reaches it is told."),
    key(Section::Sweep, "margin", "number from 0 to 0.5", "0.02", "Loss of AUC that counts as none: a cut is as good as all where the interval of the difference lies above its negative."),
    key(Section::Sweep, "cache", "gigabytes", "4", "Most activations of frozen stages kept on disk while the networks are trained; without augmentation alone. What needs more is computed anew in each step; the results differ by rounding alone."),
    unset(Section::Sweep, "train", "table", "every key takes its default", "{ epochs = 30 }", "How every network is trained; keys as of a network's train, but for most, labels and leave_out."),

    key(Section::Visualize, "layers", "list of layers", "[\"Mixed_5b\", \"Mixed_5c\", \"Mixed_6a\", \"Mixed_7c\"]", "Layers whose channels are drawn."),
    key(Section::Visualize, "channels", "\"0-7\", \"all\" or { sample = 8 }", "\"0-7\"", "Channels of each layer: a range, a list such as \"0-3,17\", all, or a random sample (the same for all networks)."),
    key(Section::Visualize, "preset", "\"paper\" or \"lucid\"", "\"paper\"", "Paper: 3,584 steps in three phases; lucid: 512 steps."),
    key(Section::Visualize, "steps", "whole number or \"preset\"", "\"preset\"", "Steps in all; the phases of the preset shrink or grow in proportion."),
    key(Section::Visualize, "size", "pixels from 75", "128", "Side of the image; InceptionV3 takes 75 pixels at least."),
    key(Section::Visualize, "batch", "whole number", "8", "Channels drawn at a time; more needs more memory."),
    key(Section::Visualize, "again", "whole number", "8", "Channels of each layer that are drawn from a second start too: how far two images of one channel are apart by that alone is what the comparison of networks is measured against; 0 leaves it out."),
    key(Section::Visualize, "exemplars", "whole number", "500", "Patches, drawn from all, that are searched for those which excite each channel most; 0 leaves it out."),
    unset(Section::Visualize, "objectives", "list of objectives", "channels alone are drawn", "[\"channel(Mixed_6a,12) - 0.025*tv\"]", "Objectives beyond channels, drawn for each network after the concepts, whose vectors direction(layer, layer/concept) takes."),
    key(Section::Visualize, "parametrization", "\"fourier\", \"pixels\", \"pyramid\" or \"maco\"", "\"fourier\"", "How images of objectives are made."),
    key(Section::Visualize, "colours", "\"natural\" or \"patches\"", "\"natural\"", "Whose colours (and of maco spectra) images of objectives have: natural photographs' or those of the study's patches."),
    key(Section::Visualize, "networks", "list of networks or \"all\"", "\"all\"", "Networks whose channels are drawn."),

    key(Section::Attention, "methods", "list of \"grad-cam\", \"grad-cam++\", \"xgrad-cam\", \"layer-cam\", \"hires-cam\", \"eigen-cam\", \"score-cam\", \"integrated-gradients\", \"occlusion\"", "[\"grad-cam\", \"grad-cam++\"]", "Kinds of class activation map; the last three run the network many times for each patch."),
    key(Section::Attention, "layer", "layer or list of layers", "\"Mixed_7c\"", "Layer whose channels are weighed; several are fused into one map."),
    key(Section::Attention, "compat", "\"paper\" or \"pytorch-grad-cam\"", "\"paper\"", "Whose formulas, where a program departs from a method's paper."),
    key(Section::Attention, "networks", "list of networks or \"all\"", "\"all\"", "Networks that are looked at; those without training are controls: they get a random head, and the patches of the first trained network."),
    unset(Section::Attention, "masks", "path of a folder, from the study's folder", "nuclei are segmented, or left out", "\"masks\"", "Instance masks that maps are compared with: ID.png, gray, the number of each nucleus."),
    key(Section::Attention, "nuclei", "\"segment\" or \"masks\"", "\"segment\"", "Whether nuclei are segmented where a patch has no mask; without both, maps are not compared with nuclei."),
    key(Section::Attention, "faithfulness", "whole number", "6", "Patches of each trained network whose maps are judged by insertion, deletion, ROAD, average drop and sensitivity-n: hundreds of passes each."),
    key(Section::Attention, "sanity", "whole number", "6", "Patches of each trained network whose maps are made again with its stages random, from the logits down."),
    key(Section::Attention, "colours", "\"viridis\", \"inferno\", \"magma\", \"cividis\" or \"jet\"", "\"viridis\"", "Colours of the overlays."),
    key(Section::Attention, "scale", "\"own\" or \"shared\"", "\"own\"", "What the strongest colour stands for: each map's own largest value, or that of all networks' maps of the method."),
    unset(Section::Attention, "select", "table", "every key below takes its default", "{ p_min = 0.99, most = 50 }", "Which patches are looked at; its keys are listed below."),

    key(Section::Select, "class", "class or \"positive\"", "\"positive\"", "Class whose evidence is mapped; positive is the second of classes."),
    key(Section::Select, "p_min", "probability", "0.99", "Least predicted probability of that class."),
    key(Section::Select, "most", "whole number", "50", "At most so many patches of each network, the most certain first."),
    key(Section::Select, "split", "\"train\", \"val\", \"test\" or \"all\"", "\"test\"", "Part of the patches to choose from."),

    key(Section::Concepts, "measures", "list of measures", "[\"glcm_asm\", \"glcm_correlation\", \"glcm_contrast\"]", "Measures of the whole image that are regressed on the layers."),
    unset(Section::Concepts, "table", "path of a CSV, from the study's folder", "the measures are the only concepts", "\"findings.csv\"", "Concepts of your own: `id` and one column each, numbers, 0 and 1, or text."),
    key(Section::Concepts, "layers", "list of layers", "[\"Conv2d_2b_3x3\", \"Conv2d_4a_3x3\", \"Mixed_5b\", \"Mixed_6a\", \"Mixed_6d\", \"Mixed_6e\"]", "Layers whose channels are the regressors."),
    key(Section::Concepts, "images", "whole number", "1000", "Patches used, drawn by the seed; all where there are fewer."),
    key(Section::Concepts, "repeats", "whole number", "10", "Random subsets, each with its own cross-validation."),
    key(Section::Concepts, "estimator", "\"ridge\", \"ols\", \"pls\" or \"lasso\"", "\"ridge\"", "The linear model of the held-out R² and of the concept vectors."),
    key(Section::Concepts, "pool", "\"mean\", \"max\" or \"flat\"", "\"mean\"", "What becomes of a layer's positions: \"flat\" keeps a grid of cells and reduces them to principal components."),
    key(Section::Concepts, "split", "\"train\", \"val\", \"test\" or \"all\"", "\"all\"", "Part of the patches to draw from."),
    key(Section::Concepts, "networks", "list of networks or \"all\"", "\"all\"", "Networks whose layers are regressed on."),
    key(Section::Drift, "layers", "list of layers", "[\"Conv2d_1a_3x3\", \"Conv2d_2b_3x3\", \"Conv2d_4a_3x3\", \"Mixed_5b\", \"Mixed_5d\", \"Mixed_6a\", \"Mixed_6c\", \"Mixed_6e\", \"Mixed_7a\", \"Mixed_7c\"]", "Layers that are compared."),
    key(Section::Drift, "images", "whole number", "500", "Patches used, drawn by the seed; all where there are fewer."),
    key(Section::Drift, "split", "\"train\", \"val\", \"test\" or \"all\"", "\"all\"", "Part of the patches to draw from; patches that no network was trained on are the fairer."),
    unset(Section::Drift, "natural", "path or list of paths", "noise with photographs' spectrum and colours stands for them", "\"photographs\"", "Natural images that drift is measured on beside the patches: their middle square, as large as a patch."),
    key(Section::Drift, "natural_images", "whole number", "200", "Natural-like images used, drawn by the seed; 0 leaves them out."),
    key(Section::Drift, "networks", "list of networks or \"all\"", "\"all\"", "Networks that are compared, pair by pair."),
];

/// Tables below the top of the file.
pub const TABLES: [&str; 7] = [
    "patches",
    "network",
    "sweep",
    "visualize",
    "attention",
    "concepts",
    "drift",
];

/// Keys of one section, in order.
pub fn keys_of(section: Section) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section)
}

/// The known name nearest to a misspelt one, if any is near.
///
/// ```
/// use spolia::study::keys::nearest;
/// assert_eq!(nearest("learning-rat", ["epochs", "learning_rate"]), Some("learning_rate"));
/// assert_eq!(nearest("zebra", ["epochs", "learning_rate"]), None);
/// ```
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in known {
        let near = strsim::normalized_damerau_levenshtein(&name, &candidate.to_lowercase());
        if near >= 0.5 && best.is_none_or(|(b, _)| near > b) {
            best = Some((near, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}
