//! Annotations.
use crate::xml::XmlFault;
/// What is wrong with an annotation file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotationFault {
    /// Its XML.
    #[error(transparent)]
    Xml(#[from] XmlFault),
}
