//! XML as the formats of pathology use it: elements, attributes, text. No entity but the five
//! that XML itself defines is resolved, so no document can grow while it is read.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Deeper than any document of slides or annotations.
const DEEPEST: usize = 64;

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum XmlFault {
    /// It is not well-formed.
    #[error("not well-formed XML at byte {at}: {reason}")]
    Syntax {
        /// Where.
        at: u64,
        /// The parser's words.
        reason: String,
    },
    /// It ends inside an element.
    #[error("the XML ends inside <{element}>: the file is truncated")]
    Unclosed {
        /// Name of the innermost element.
        element: String,
    },
    /// It declares entities of its own.
    #[error(
        "the XML declares or uses an entity ({name}), which is refused: entities can make a small file grow without bound; write the text out"
    )]
    Entity {
        /// The declaration's or the entity's beginning.
        name: String,
    },
    /// Its elements are nested too deeply.
    #[error("elements are nested more than {DEEPEST} deep: this is no annotation and no slide")]
    Deep,
}

/// One step through a document.
#[derive(Debug, PartialEq)]
pub(crate) enum Node {
    Open {
        name: String,
        attributes: Vec<(String, String)>,
    },
    Text(String),
    Close(String),
}

/// The value of an attribute, whose name is compared without regard to case.
pub(crate) fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
}

/// Walks through a document.
pub(crate) struct Nodes<'a> {
    reader: Reader<&'a [u8]>,
    open: Vec<String>,
    /// Whether an element was met.
    any: bool,
    text: String,
    /// The element that follows a text already given.
    held: Option<Node>,
}

impl<'a> Nodes<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            open: Vec::new(),
            any: false,
            text: String::new(),
            held: None,
        }
    }

    /// The next node; `None` at the end of a complete document. Text comes whole and trimmed,
    /// whatever references it is written with.
    pub(crate) fn next(&mut self) -> Result<Option<Node>, XmlFault> {
        if let Some(node) = self.held.take() {
            return Ok(Some(node));
        }
        let node = self.element_or_end()?;
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if text.is_empty() {
            return Ok(node);
        }
        self.held = node;
        Ok(Some(Node::Text(text.to_owned())))
    }

    /// The next element's beginning or end, while text is collected.
    fn element_or_end(&mut self) -> Result<Option<Node>, XmlFault> {
        loop {
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.syntax(&error)),
            };
            match event {
                Event::Start(start) => {
                    if self.open.len() >= DEEPEST {
                        return Err(XmlFault::Deep);
                    }
                    let name = start.name().as_ref().to_owned();
                    let attributes = self.attributes(&start)?;
                    self.open.push(name.clone());
                    self.any = true;
                    return Ok(Some(Node::Open { name, attributes }));
                }
                Event::End(end) => {
                    self.open.pop();
                    return Ok(Some(Node::Close(end.name().as_ref().to_owned())));
                }
                Event::Text(text) => {
                    self.text
                        .push_str(&text.xml_content(XmlVersion::Implicit1_0));
                }
                Event::CData(data) => {
                    self.text
                        .push_str(&data.xml_content(XmlVersion::Implicit1_0));
                }
                Event::GeneralRef(entity) => {
                    let name = entity.xml_content(XmlVersion::Implicit1_0).into_owned();
                    match entity.resolve_char_ref() {
                        Ok(Some(char)) => self.text.push(char),
                        Ok(None) => match quick_xml::escape::resolve_predefined_entity(&name) {
                            Some(text) => self.text.push_str(text),
                            None => return Err(XmlFault::Entity { name }),
                        },
                        Err(error) => return Err(self.syntax(&error)),
                    }
                }
                Event::DocType(doctype)
                    if doctype.contains('[') || doctype.to_ascii_uppercase().contains("ENTITY") =>
                {
                    let name = doctype.chars().take(40).collect();
                    return Err(XmlFault::Entity { name });
                }
                Event::Eof => {
                    return match self.open.pop() {
                        Some(element) => Err(XmlFault::Unclosed { element }),
                        None if !self.any => Err(self.syntax(&"there is no element")),
                        None => Ok(None),
                    };
                }
                _ => {}
            }
        }
    }

    fn syntax(&self, reason: &dyn std::fmt::Display) -> XmlFault {
        XmlFault::Syntax {
            at: self.reader.error_position(),
            reason: reason.to_string(),
        }
    }

    fn attributes(&self, start: &BytesStart<'_>) -> Result<Vec<(String, String)>, XmlFault> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| self.syntax(&e))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|e| self.syntax(&e))?
                .into_owned();
            attributes.push((attribute.key.as_ref().to_owned(), value));
        }
        Ok(attributes)
    }
}

/// Text made safe for an attribute or an element.
pub(crate) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(text: &str) -> Result<Vec<Node>, XmlFault> {
        let mut nodes = Nodes::new(text);
        std::iter::from_fn(|| nodes.next().transpose()).collect()
    }

    #[test]
    fn elements_attributes_text() {
        let nodes = walk("<a><b X='1 &lt; 2'/>t &amp; u</a>");
        let text = |t: &str| Node::Text(t.into());
        let open = |name: &str, attributes| Node::Open {
            name: name.into(),
            attributes,
        };
        assert_eq!(
            nodes.ok(),
            Some(vec![
                open("a", vec![]),
                open("b", vec![("X".into(), "1 < 2".into())]),
                Node::Close("b".into()),
                text("t & u"),
                Node::Close("a".into()),
            ])
        );
    }

    #[test]
    fn what_could_grow_is_refused() {
        let bomb = "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'>]><l>&b;</l>";
        assert!(matches!(walk(bomb), Err(XmlFault::Entity { .. })));
        assert!(matches!(walk("<l>&b;</l>"), Err(XmlFault::Entity { .. })));
        assert!(matches!(walk("<l x='&b;'/>"), Err(XmlFault::Syntax { .. })));
        assert!(matches!(walk(&"<l>".repeat(65)), Err(XmlFault::Deep)));
        assert!(matches!(walk("<a><b></b>"), Err(XmlFault::Unclosed { .. })));
        assert!(matches!(walk("<a></b>"), Err(XmlFault::Syntax { .. })));
        assert!(matches!(walk(""), Err(XmlFault::Syntax { .. })));
    }
}
