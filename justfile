# Tests, lints and formatting.
check:
    ./.ci/run

# The phantom study: demo-run/run/report.html.
demo:
    cargo run --release -- demo

# This machine's times.
bench *ARGS:
    cargo run --release -- bench {{ARGS}}
