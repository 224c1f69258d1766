//! Prints the JSON Schema of `study.toml`.

fn main() {
    print!("{}", igym_study::json_schema());
}
