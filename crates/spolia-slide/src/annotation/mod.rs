//! What pathologists drew: annotations of ASAP (XML) and QuPath (GeoJSON), the tissue they cover,
//! and the label of a patch.
//!
//! All coordinates are pixels of level 0. An [`Annotation`] is what a file says; a [`Shape`] is
//! the area that some of them cover together, after overlaps, crossings and holes are resolved.
//!
//! ```
//! use spolia_slide::annotation::{Annotations, Scheme};
//! # fn main() -> Result<(), spolia_slide::annotation::AnnotationFault> {
//! let xml = r##"<ASAP_Annotations><Annotations>
//!   <Annotation Name="1" Type="Polygon" PartOfGroup="metastases" Color="#F4FA58"><Coordinates>
//!     <Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="100" Y="0"/>
//!     <Coordinate Order="2" X="100" Y="50"/><Coordinate Order="3" X="0" Y="50"/>
//!   </Coordinates></Annotation></Annotations><AnnotationGroups/></ASAP_Annotations>"##;
//! let tumor = Annotations::parse(xml)?.tumor(&Scheme::default());
//! assert_eq!(tumor.area().round(), 5_000.0);
//! assert_eq!(tumor.share(50.0, 0.0, 100.0, 50.0), 0.5);
//! # Ok(())
//! # }
//! ```

mod asap;
mod geojson;
mod label;
mod scheme;
mod shape;
mod validity;

use std::collections::BTreeMap;
use std::path::Path;

pub use label::{Label, LabelRule};
pub use scheme::Scheme;
pub use shape::Shape;
pub use validity::{Problem, ProblemKind};

use crate::whole::write_whole;
use crate::{Error, Result, XmlFault};

/// A point: x and y in pixels of level 0.
pub type Point = [f64; 2];

/// No slide has a pixel farther out than this.
const FARTHEST: f64 = 1e9;
/// A file larger than this is not read.
const MOST_BYTES: u64 = 1 << 30;

/// What was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A polygon.
    Polygon,
    /// A rectangle, given by its corners.
    Rectangle,
    /// A closed curve through its points; its area is taken as that of the polygon through them.
    Spline,
    /// One point.
    Dot,
    /// Several points.
    PointSet,
}

/// A ring of points and the holes in it; rings are not closed (the first point is not repeated).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Polygon {
    /// Its outer ring.
    pub outer: Vec<Point>,
    /// Its holes.
    pub holes: Vec<Vec<Point>>,
}

/// One annotation.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Its name, which may be empty.
    pub name: String,
    /// What was drawn.
    pub kind: Kind,
    /// The group (ASAP) or class (QuPath) it belongs to.
    pub group: Option<String>,
    /// Its colour as `#rrggbb`.
    pub color: Option<String>,
    /// QuPath's id (a UUID).
    pub id: Option<String>,
    /// Areas: none for points.
    pub polygons: Vec<Polygon>,
    /// Points: none for areas.
    pub points: Vec<Point>,
    /// QuPath's measurements.
    pub measurements: BTreeMap<String, f64>,
}

impl Annotation {
    /// The area that it covers.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape::of(&self.polygons)
    }
}

/// A group of ASAP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The group it is part of.
    pub parent: Option<String>,
    /// Its colour as `#rrggbb`.
    pub color: Option<String>,
}

/// All annotations of a slide.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Annotations {
    /// In the file's order.
    pub annotations: Vec<Annotation>,
    /// ASAP's groups.
    pub groups: Vec<Group>,
    /// What was mended or left out while reading.
    pub mended: Vec<Problem>,
}

/// What is wrong with an annotation file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotationFault {
    /// Its XML.
    #[error(transparent)]
    Xml(#[from] XmlFault),
    /// Its JSON.
    #[error("not GeoJSON: {reason}; export it again (QuPath: File, Export objects as GeoJSON)")]
    GeoJson {
        /// The parser's words.
        reason: String,
    },
    /// It is neither.
    #[error(
        "neither ASAP XML nor GeoJSON: {reason}; save annotations with ASAP, or export them from QuPath as GeoJSON"
    )]
    Unknown {
        /// What it begins with.
        reason: String,
    },
    /// XML of something else.
    #[error("the XML is <{root}>, not <ASAP_Annotations>; save annotations with ASAP")]
    Root {
        /// Name of its outermost element.
        root: String,
    },
    /// A type that ASAP does not have.
    #[error(
        "annotation `{annotation}`: type `{kind}` is not one of polygon, rectangle, spline, dot, pointset"
    )]
    Kind {
        /// Name of the annotation.
        annotation: String,
        /// Its type.
        kind: String,
    },
    /// A coordinate that is no place on a slide.
    #[error(
        "annotation `{annotation}`: point {point}: coordinate `{value}` is not a number of pixels (finite, below a thousand million, with a decimal point); mend or remove it"
    )]
    Coordinate {
        /// Name of the annotation.
        annotation: String,
        /// Number of the point in the file's order, counted from 0.
        point: usize,
        /// What stands there.
        value: String,
    },
}

fn sound(value: f64) -> bool {
    value.is_finite() && value.abs() <= FARTHEST
}

impl Annotations {
    /// Reads a file of ASAP or QuPath; which of the two is told by its content.
    ///
    /// # Errors
    /// The file cannot be read, is neither, is damaged, declares entities, or has a coordinate
    /// that is not a finite number.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        let fault = |fault| Error::Annotation {
            path: path.to_owned(),
            fault,
        };
        let size = std::fs::metadata(path).map_err(read)?.len();
        if size > MOST_BYTES {
            let reason = format!("it has {size} bytes, more than {MOST_BYTES}");
            return Err(fault(AnnotationFault::Unknown { reason }));
        }
        let bytes = std::fs::read(path).map_err(read)?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            fault(AnnotationFault::Unknown {
                reason: format!("byte {at} is no text (UTF-8)"),
            })
        })?;
        Self::parse(&text).map_err(fault)
    }

    /// Reads text of ASAP or QuPath.
    ///
    /// # Errors
    /// As [`Annotations::read`].
    pub fn parse(text: &str) -> std::result::Result<Self, AnnotationFault> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        match text.chars().next() {
            Some('<') => asap::parse(text),
            Some('{' | '[') => geojson::parse(text),
            Some(char) => Err(AnnotationFault::Unknown {
                reason: format!("it begins with {char:?}"),
            }),
            None => Err(AnnotationFault::Unknown {
                reason: "it is empty".into(),
            }),
        }
    }

    /// Writes ASAP's XML. It has no holes: a hole becomes an annotation of the group `Exclusion`,
    /// as in Camelyon16.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_asap(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), self.to_asap().as_bytes())
    }

    /// Writes QuPath's GeoJSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_geojson(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), self.to_geojson().as_bytes())
    }

    /// ASAP's XML; see [`Annotations::write_asap`].
    #[must_use]
    pub fn to_asap(&self) -> String {
        asap::write(self)
    }

    /// QuPath's GeoJSON.
    #[must_use]
    pub fn to_geojson(&self) -> String {
        geojson::write(self)
    }
}
