//! QuPath's GeoJSON: a FeatureCollection (or a bare list of features) in level-0 pixels, with
//! `objectType`, `classification` and `measurements` as properties.

use std::collections::BTreeMap;

use geojson::{Feature, FeatureCollection, GeoJson, Geometry, GeometryValue, JsonObject, Position};
use serde_json::{Value, json};

use super::validity::{Problem, ProblemKind};
use super::{Annotation, AnnotationFault, Annotations, Kind, Point, Polygon, sound};

fn refuse(reason: impl ToString) -> AnnotationFault {
    AnnotationFault::GeoJson {
        reason: reason.to_string(),
    }
}

pub(super) fn parse(text: &str) -> Result<Annotations, AnnotationFault> {
    let features = if text.starts_with('[') {
        serde_json::from_str::<Vec<Feature>>(text).map_err(refuse)?
    } else {
        match text.parse::<GeoJson>().map_err(refuse)? {
            GeoJson::FeatureCollection(all) => all.features,
            GeoJson::Feature(one) => vec![one],
            GeoJson::Geometry(geometry) => vec![Feature {
                geometry: Some(geometry),
                ..Feature::default()
            }],
        }
    };
    let mut read = Annotations::default();
    for (number, feature) in features.into_iter().enumerate() {
        let mut annotation = described(&feature, number);
        if let Some(geometry) = feature.geometry {
            add(&mut annotation, geometry.value, number, &mut read.mended)?;
            read.annotations.push(annotation);
        }
    }
    Ok(read)
}

/// An annotation with a feature's properties, still without its geometry.
fn described(feature: &Feature, number: usize) -> Annotation {
    let empty = JsonObject::new();
    let properties = feature.properties.as_ref().unwrap_or(&empty);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let class = properties.get("classification");
    let color = class
        .and_then(|c| c.get("color"))
        .and_then(Value::as_array)
        .and_then(|rgb| {
            let part = |i: usize| rgb.get(i)?.as_u64().filter(|&v| v < 256);
            Some(format!("#{:02x}{:02x}{:02x}", part(0)?, part(1)?, part(2)?))
        });
    let measurements = properties.get("measurements").and_then(Value::as_object);
    Annotation {
        name: text(properties.get("name")).unwrap_or_else(|| format!("feature {number}")),
        kind: Kind::Polygon,
        group: text(class.and_then(|c| c.get("name"))),
        color,
        id: feature.id.as_ref().and_then(|id| match id {
            geojson::feature::Id::String(id) => Some(id.clone()),
            geojson::feature::Id::Number(_) => None,
        }),
        polygons: Vec::new(),
        points: Vec::new(),
        measurements: measurements
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))
            .collect::<BTreeMap<_, _>>(),
    }
}

fn add(
    to: &mut Annotation,
    geometry: GeometryValue,
    number: usize,
    mended: &mut Vec<Problem>,
) -> Result<(), AnnotationFault> {
    let problem = |kind| Problem {
        number,
        annotation: to.name.clone(),
        kind,
    };
    match geometry {
        GeometryValue::Point { coordinates } => {
            to.kind = Kind::Dot;
            to.points.push(point(&coordinates, to, 0)?);
        }
        GeometryValue::MultiPoint { coordinates } => {
            to.kind = Kind::PointSet;
            for (i, position) in coordinates.iter().enumerate() {
                to.points.push(point(position, to, i)?);
            }
        }
        GeometryValue::Polygon { coordinates } => {
            let polygon = polygon(&coordinates, to, number, mended)?;
            to.polygons.push(polygon);
        }
        GeometryValue::MultiPolygon { coordinates } => {
            for coordinates in coordinates {
                let polygon = polygon(&coordinates, to, number, mended)?;
                to.polygons.push(polygon);
            }
        }
        GeometryValue::GeometryCollection { geometries } => {
            for geometry in geometries {
                add(to, geometry.value, number, mended)?;
            }
        }
        GeometryValue::LineString { .. } | GeometryValue::MultiLineString { .. } => {
            mended.push(problem(ProblemKind::Line));
        }
    }
    Ok(())
}

fn point(position: &Position, of: &Annotation, number: usize) -> Result<Point, AnnotationFault> {
    match *position.as_slice() {
        [x, y, ..] if sound(x) && sound(y) => Ok([x, y]),
        ref other => Err(AnnotationFault::Coordinate {
            annotation: of.name.clone(),
            point: number,
            value: format!("{other:?}"),
        }),
    }
}

fn polygon(
    rings: &[Vec<Position>],
    of: &Annotation,
    number: usize,
    mended: &mut Vec<Problem>,
) -> Result<Polygon, AnnotationFault> {
    let mut read = Vec::with_capacity(rings.len());
    for ring in rings {
        let mut points = Vec::with_capacity(ring.len());
        for (i, position) in ring.iter().enumerate() {
            points.push(point(position, of, i)?);
        }
        if points.len() > 1 && points.first() == points.last() {
            points.pop();
        } else {
            mended.push(Problem {
                number,
                annotation: of.name.clone(),
                kind: ProblemKind::Unclosed,
            });
        }
        read.push(points);
    }
    let mut rings = read.into_iter();
    Ok(Polygon {
        outer: rings.next().unwrap_or_default(),
        holes: rings.collect(),
    })
}

pub(super) fn write(all: &Annotations) -> String {
    let features = all.annotations.iter().map(feature).collect();
    GeoJson::from(FeatureCollection {
        bbox: None,
        features,
        foreign_members: None,
    })
    .to_string()
}

fn feature(annotation: &Annotation) -> Feature {
    let mut properties = JsonObject::new();
    properties.insert("objectType".into(), "annotation".into());
    properties.insert("name".into(), annotation.name.clone().into());
    if let Some(group) = &annotation.group {
        let mut class = json!({ "name": group });
        if let Some(rgb) = annotation.color.as_deref().and_then(channels) {
            class["color"] = json!(rgb);
        }
        properties.insert("classification".into(), class);
    }
    if !annotation.measurements.is_empty() {
        properties.insert("measurements".into(), json!(annotation.measurements));
    }
    Feature {
        geometry: geometry(annotation).map(Geometry::from),
        id: annotation.id.clone().map(geojson::feature::Id::String),
        properties: Some(properties),
        ..Feature::default()
    }
}

fn channels(color: &str) -> Option<[u8; 3]> {
    let value = u32::from_str_radix(color.strip_prefix('#')?, 16).ok()?;
    (color.len() == 7).then(|| [16, 8, 0].map(|shift| (value >> shift) as u8))
}

fn geometry(annotation: &Annotation) -> Option<GeometryValue> {
    let place = |point: &Point| Position::from(*point);
    let closed = |ring: &Vec<Point>| ring.iter().chain(ring.first()).map(place).collect();
    let rings = |polygon: &Polygon| -> Vec<Vec<Position>> {
        std::iter::once(&polygon.outer)
            .chain(&polygon.holes)
            .map(closed)
            .collect()
    };
    Some(
        match (annotation.polygons.as_slice(), annotation.points.as_slice()) {
            ([], []) => return None,
            ([], [one]) => GeometryValue::Point {
                coordinates: place(one),
            },
            ([], many) => GeometryValue::MultiPoint {
                coordinates: many.iter().map(place).collect(),
            },
            ([one], _) => GeometryValue::Polygon {
                coordinates: rings(one),
            },
            (many, _) => GeometryValue::MultiPolygon {
                coordinates: many.iter().map(rings).collect(),
            },
        },
    )
}
