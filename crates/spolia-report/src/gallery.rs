//! `gallery.html`: every drawn channel with the patches that excite it most, searchable, from the run folder's own pictures.

use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;

use crate::Error;
use crate::numbers::significant;
use crate::run::visualize::Channel;
use crate::run::{Run, first_seen};

const TEMPLATE: &str = include_str!("gallery.html.j2");

/// One channel of a layer in all networks.
#[derive(Serialize)]
struct Card {
    layer: String,
    channel: usize,
    /// What is to be thought of it in each network, between spaces.
    states: String,
    images: Vec<Image>,
}

/// A network's image of a channel.
#[derive(Serialize)]
struct Image {
    network: String,
    /// Below the run folder; none of a dead channel.
    picture: Option<String>,
    /// The strip of its patches, where there is one.
    strip: Option<String>,
    /// Its activation on its image and on data, in words.
    numbers: Option<String>,
}

/// The page; `None` where no channel was drawn.
///
/// # Errors
/// [`Error::Page`] when the template does not render.
pub(crate) fn write(run: &Run) -> Result<Option<String>, Error> {
    if run.channels.is_empty() {
        return Ok(None);
    }
    let layers = first_seen(run.channels.iter().map(|c| c.layer.as_str()));
    let mut cards: Vec<Card> = Vec::new();
    for layer in &layers {
        let of_layer: Vec<&Channel> = run.channels.iter().filter(|c| c.layer == *layer).collect();
        let mut numbers = first_seen(of_layer.iter().map(|c| c.channel));
        numbers.sort_unstable();
        for channel in numbers {
            let mut own: Vec<&&Channel> =
                of_layer.iter().filter(|c| c.channel == channel).collect();
            own.sort_by_key(|c| run.place(&c.network));
            let states: Vec<&str> = own.iter().filter_map(|c| c.state.as_deref()).collect();
            cards.push(Card {
                layer: (*layer).to_owned(),
                channel,
                states: states.join(" "),
                images: own.into_iter().map(|c| image(run, c)).collect(),
            });
        }
    }
    let states = first_seen(run.channels.iter().filter_map(|c| c.state.as_deref()));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("gallery.html", TEMPLATE)?;
    let page = environment.get_template("gallery.html")?;
    Ok(Some(page.render(context! {
        name => run.manifest.study.name,
        layers,
        states,
        cards,
    })?))
}

fn image(run: &Run, channel: &Channel) -> Image {
    let strip = channel.picture().replace(".png", "_patches.png");
    let numbers = channel.on_data.map(|on_data| {
        format!(
            "activation: its image {}, best patch {}{}",
            significant(channel.optimum.unwrap_or(0.0)),
            significant(on_data),
            channel
                .state
                .as_ref()
                .filter(|s| *s != "alive")
                .map_or_else(String::new, |s| format!("; {s}"))
        )
    });
    Image {
        network: channel.network.clone(),
        picture: (!channel.dead).then(|| channel.picture()),
        strip: run.folder.join(&strip).is_file().then_some(strip),
        numbers,
    }
}
