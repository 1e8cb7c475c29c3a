//! The spolia command.
fn main() {}
