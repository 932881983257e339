//! Writes the published JSON Schema: `cargo run -p report --example schema`.

fn main() -> std::io::Result<()> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/report-v1.schema.json"
    );
    std::fs::write(path, report::schema::json_schema())
}
