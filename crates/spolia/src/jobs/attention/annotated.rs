//! Where in a patch of a slide tumour is annotated.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use miette::IntoDiagnostic;
use spolia_dataset::{Mpp, Patch, Resolution, Source};
use spolia_slide::Slide;
use spolia_slide::annotation::Shape;

use crate::jobs::slides::{annotated, name};

/// The annotated tumour of slides.
#[derive(Debug)]
pub struct Annotated {
    /// By the slide's name.
    tumor: BTreeMap<String, Shape>,
    /// Pixels of level 0 in a pixel of each patch, where that is known, by the patch's id.
    scale: BTreeMap<String, f64>,
}

impl Annotated {
    /// Reads the annotations of the patches' slides, each called as its slide. How large a patch's pixels are on level 0 is known
    /// of patches that are read from slides, and of files with µm/px that were cut from one of `slides`, or from a slide of
    /// `slide_mpp`.
    ///
    /// # Errors
    /// An annotation or a slide cannot be used.
    pub fn read(
        annotations: &[PathBuf],
        patches: &[&Patch],
        (slides, slide_mpp): (&[PathBuf], Option<f64>),
    ) -> miette::Result<Self> {
        let mut tumor = BTreeMap::new();
        for file in annotations {
            let own = name(file);
            if patches.iter().any(|p| p.slide.as_deref() == Some(&*own)) {
                tumor.insert(own, annotated(file, None)?);
            }
        }
        let cut_from: BTreeMap<String, &PathBuf> = slides.iter().map(|f| (name(f), f)).collect();
        let mut open: BTreeMap<&Path, Slide> = BTreeMap::new();
        let mut scale = BTreeMap::new();
        for patch in patches {
            let region = match &patch.source {
                Source::Region { region, .. } => Some(region),
                _ => None,
            };
            let file = match (&patch.source, &patch.slide) {
                (Source::Region { file, .. }, _) => Some(file),
                (_, Some(slide)) if slide_mpp.is_none() => cut_from.get(slide).copied(),
                _ => None,
            };
            if let Some(file) = file
                && let Entry::Vacant(place) = open.entry(file)
            {
                match Slide::open(file) {
                    Ok(slide) => {
                        place.insert(slide);
                    }
                    Err(error) if region.is_some() => return Err(error).into_diagnostic(),
                    // A patch that was cut can be looked at without its slide.
                    Err(_) => {}
                }
            }
            let slide = file.and_then(|file| open.get(file.as_path()));
            let stated = region.and_then(|r| r.slide_mpp).map(Mpp::value);
            let own = || Some(slide?.mpp()?.mean());
            let level_0 = stated.or_else(own).or(slide_mpp);
            let of = match region.map(|r| r.resolution) {
                Some(Resolution::Mpp(mpp)) => level_0.map(|level_0| mpp.value() / level_0),
                Some(Resolution::Level(level)) => slide
                    .and_then(|s| s.levels().get(level))
                    .map(|l| l.downsample),
                None => patch.mpp.zip(level_0).map(|(mpp, level_0)| mpp / level_0),
            };
            scale.extend(of.map(|of| (patch.id.clone(), of)));
        }
        Ok(Self { tumor, scale })
    }

    /// Whether each pixel of a patch is tumour; none where its slide is not annotated.
    ///
    /// # Errors
    /// Says what of the patch's place is not known.
    pub(super) fn under(
        &self,
        patch: &Patch,
        (width, height): (usize, usize),
    ) -> Result<Option<Vec<bool>>, String> {
        let Some(shape) = patch.slide.as_ref().and_then(|slide| self.tumor.get(slide)) else {
            return Ok(None);
        };
        let (Some(x0), Some(y0)) = (patch.x, patch.y) else {
            return Err("its slide is annotated, but its x and y are not known".into());
        };
        let Some(&scale) = self.scale.get(&patch.id) else {
            return Err("its slide is annotated, but not how large its pixels are on level 0; state --slide-mpp".into());
        };
        let place = |from: i64, i: usize| from as f64 + (i as f64 + 0.5) * scale;
        let whole = (scale * width as f64, scale * height as f64);
        let share = shape.share(x0 as f64, y0 as f64, whole.0, whole.1);
        if share <= 0.0 {
            return Ok(Some(vec![false; width * height]));
        }
        let inside = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| shape.contains(place(x0, x), place(y0, y)));
        Ok(Some(inside.collect()))
    }
}

#[cfg(test)]
mod tests {
    use spolia_dataset::Region;
    use spolia_slide::write;

    use super::*;

    const XML: &str = r#"<ASAP_Annotations><Annotations><Annotation Name="a" Type="Polygon" PartOfGroup="metastases"><Coordinates>
<Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="100" Y="0"/><Coordinate Order="2" X="100" Y="400"/><Coordinate Order="3" X="0" Y="400"/>
</Coordinates></Annotation></Annotations><AnnotationGroups><Group Name="metastases"/></AnnotationGroups></ASAP_Annotations>"#;

    /// Tumour is annotated in the first 100 of 400 pixels of 0.5 µm; a patch of 40 pixels of 2 µm begins at 40.
    #[test]
    fn pixels_across_a_border() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.tif");
        let options = write::Options {
            mpp: Some(0.5),
            ..write::Options::default()
        };
        write::pyramid(&file, 400, 400, &options, |area| {
            let tissue = image::Rgb([180, 90, 150]);
            Ok(Some(image::RgbImage::from_pixel(
                area.width,
                area.height,
                tissue,
            )))
        })
        .unwrap();
        let xml = folder.path().join("s.xml");
        std::fs::write(&xml, XML).unwrap();
        let region = Region {
            x: 40,
            y: 0,
            size: 40,
            resolution: Resolution::Mpp(Mpp::new(2.0).unwrap()),
            slide_mpp: None,
        };
        let source = Source::Region {
            file: file.clone(),
            region,
        };
        let mut patch = Patch::new("p", "s.tif", source);
        patch.slide = Some("s".into());
        (patch.x, patch.y, patch.mpp) = (Some(40), Some(0), Some(2.0));
        let annotated =
            Annotated::read(std::slice::from_ref(&xml), &[&patch], (&[], None)).unwrap();
        let inside = annotated.under(&patch, (40, 40)).unwrap().unwrap();
        // Four pixels of the slide to one of the patch: 60 of its pixels lie left of the border, 15 of the patch's.
        assert!(
            inside
                .chunks(40)
                .all(|row| row[..15].iter().all(|i| *i) && !row[15])
        );

        // A picture of its own needs to be told; a slide without annotation has nothing to compare with.
        let mut apart = Patch::new("q", "q.png", Source::File("q.png".into()));
        (apart.slide, apart.x, apart.y, apart.mpp) =
            (Some("s".into()), Some(40), Some(0), Some(2.0));
        let words = annotated.under(&apart, (40, 40)).unwrap_err();
        assert!(words.contains("--slide-mpp"), "{words}");
        // Its slide knows, or the user.
        let cut = Annotated::read(std::slice::from_ref(&xml), &[&apart], (&[file], None)).unwrap();
        assert_eq!(cut.under(&apart, (40, 40)).unwrap().unwrap(), inside);
        let stated = Annotated::read(&[xml], &[&apart], (&[], Some(0.5))).unwrap();
        assert_eq!(stated.under(&apart, (40, 40)).unwrap().unwrap(), inside);
        apart.slide = Some("other".into());
        assert!(stated.under(&apart, (40, 40)).unwrap().is_none());
    }
}
