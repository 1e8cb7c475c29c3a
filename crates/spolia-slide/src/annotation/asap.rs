//! ASAP's XML: `ASAP_Annotations > Annotations > Annotation > Coordinates > Coordinate` and
//! `AnnotationGroups > Group`. Points are taken in the order of their `Order`.

use std::fmt::Write;

use super::{Annotation, AnnotationFault, Annotations, Group, Kind, Point, Polygon, sound};
use crate::xml::{Node, Nodes, attribute, escape};

type Attributes = [(String, String)];

/// `PartOfGroup="None"` is how ASAP says that there is none.
fn group(attributes: &Attributes) -> Option<String> {
    attribute(attributes, "PartOfGroup")
        .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("none"))
        .map(str::to_owned)
}

fn own(attributes: &Attributes, name: &str) -> Option<String> {
    attribute(attributes, name).map(str::to_owned)
}

/// An annotation whose points are still being read, each with its order.
struct Open {
    annotation: Annotation,
    points: Vec<(f64, Point)>,
}

pub(super) fn parse(text: &str) -> Result<Annotations, AnnotationFault> {
    let mut nodes = Nodes::new(text);
    let mut read = Annotations::default();
    let mut open: Option<Open> = None;
    let mut root = true;
    while let Some(node) = nodes.next()? {
        match node {
            Node::Open { name, .. } if root => {
                root = false;
                if name != "ASAP_Annotations" {
                    return Err(AnnotationFault::Root { root: name });
                }
            }
            Node::Open { name, attributes } => match name.as_str() {
                "Annotation" => open = Some(begin(&attributes)?),
                "Coordinate" => {
                    if let Some(open) = &mut open {
                        let point = point(&attributes, open)?;
                        open.points.push(point);
                    }
                }
                "Group" => read.groups.push(Group {
                    name: own(&attributes, "Name").unwrap_or_default(),
                    parent: group(&attributes),
                    color: own(&attributes, "Color"),
                }),
                _ => {}
            },
            Node::Close(name) if name == "Annotation" => {
                if let Some(open) = open.take() {
                    read.annotations.push(end(open));
                }
            }
            _ => {}
        }
    }
    Ok(read)
}

fn begin(attributes: &Attributes) -> Result<Open, AnnotationFault> {
    let name = own(attributes, "Name").unwrap_or_default();
    let said = attribute(attributes, "Type").unwrap_or("polygon");
    let kind = match said.to_ascii_lowercase().as_str() {
        "polygon" => Kind::Polygon,
        "rectangle" => Kind::Rectangle,
        "spline" => Kind::Spline,
        "dot" => Kind::Dot,
        "pointset" => Kind::PointSet,
        _ => {
            return Err(AnnotationFault::Kind {
                annotation: name,
                kind: said.to_owned(),
            });
        }
    };
    let annotation = Annotation {
        name,
        kind,
        group: group(attributes),
        color: own(attributes, "Color"),
        id: None,
        polygons: Vec::new(),
        points: Vec::new(),
        measurements: Default::default(),
    };
    Ok(Open {
        annotation,
        points: Vec::new(),
    })
}

fn point(attributes: &Attributes, open: &Open) -> Result<(f64, Point), AnnotationFault> {
    let number = |name: &str| {
        let said = attribute(attributes, name).unwrap_or_default();
        said.trim()
            .parse()
            .ok()
            .filter(|&value| sound(value))
            .ok_or_else(|| AnnotationFault::Coordinate {
                annotation: open.annotation.name.clone(),
                point: open.points.len(),
                value: said.to_owned(),
            })
    };
    let order = match attribute(attributes, "Order") {
        Some(_) => number("Order")?,
        None => open.points.len() as f64,
    };
    Ok((order, [number("X")?, number("Y")?]))
}

fn end(open: Open) -> Annotation {
    let Open {
        mut annotation,
        mut points,
    } = open;
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut points: Vec<Point> = points.into_iter().map(|(_, point)| point).collect();
    match annotation.kind {
        Kind::Dot | Kind::PointSet => annotation.points = points,
        Kind::Polygon | Kind::Rectangle | Kind::Spline => {
            // rings are kept without their closing point, which some writers add
            if points.len() > 1 && points.first() == points.last() {
                points.pop();
            }
            annotation.polygons = vec![Polygon {
                outer: points,
                holes: Vec::new(),
            }];
        }
    }
    annotation
}

pub(super) fn write(all: &Annotations) -> String {
    let mut out = String::from("<?xml version=\"1.0\"?>\n<ASAP_Annotations>\n\t<Annotations>\n");
    let mut holes = false;
    for annotation in &all.annotations {
        let group = annotation.group.as_deref().unwrap_or("None");
        if annotation.polygons.is_empty() {
            element(&mut out, annotation, group, &annotation.points);
        }
        for polygon in &annotation.polygons {
            element(&mut out, annotation, group, &polygon.outer);
        }
        for hole in annotation
            .polygons
            .iter()
            .flat_map(|polygon| &polygon.holes)
        {
            holes = true;
            element(&mut out, annotation, "Exclusion", hole);
        }
    }
    out.push_str("\t</Annotations>\n\t<AnnotationGroups>\n");
    let mut groups = all.groups.clone();
    let used = all.annotations.iter().filter_map(|a| a.group.as_deref());
    for name in used.chain(holes.then_some("Exclusion")) {
        if !groups.iter().any(|group| group.name == name) {
            groups.push(Group {
                name: name.to_owned(),
                parent: None,
                color: None,
            });
        }
    }
    for Group {
        name,
        parent,
        color,
    } in &groups
    {
        let parent = escape(parent.as_deref().unwrap_or("None"));
        let color = escape(color.as_deref().unwrap_or("#64FE2E"));
        let name = escape(name);
        let _ = writeln!(
            out,
            "\t\t<Group Name=\"{name}\" PartOfGroup=\"{parent}\" Color=\"{color}\">\n\t\t\t<Attributes />\n\t\t</Group>"
        );
    }
    out.push_str("\t</AnnotationGroups>\n</ASAP_Annotations>\n");
    out
}

fn element(out: &mut String, annotation: &Annotation, group: &str, points: &[Point]) {
    let kind = match annotation.kind {
        Kind::Polygon => "Polygon",
        Kind::Rectangle => "Rectangle",
        Kind::Spline => "Spline",
        Kind::Dot => "Dot",
        Kind::PointSet => "PointSet",
    };
    let color = escape(annotation.color.as_deref().unwrap_or("#F4FA58"));
    let (name, group) = (escape(&annotation.name), escape(group));
    // writing to a String cannot fail
    let _ = writeln!(
        out,
        "\t\t<Annotation Name=\"{name}\" Type=\"{kind}\" PartOfGroup=\"{group}\" Color=\"{color}\">\n\t\t\t<Coordinates>"
    );
    for (order, [x, y]) in points.iter().enumerate() {
        let _ = writeln!(
            out,
            "\t\t\t\t<Coordinate Order=\"{order}\" X=\"{x}\" Y=\"{y}\" />"
        );
    }
    out.push_str("\t\t\t</Coordinates>\n\t\t</Annotation>\n");
}
