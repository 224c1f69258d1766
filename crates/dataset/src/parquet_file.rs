//! Tables in Parquet, without Arrow.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use crate::ExportError;
use crate::column::{Cell, Column, Kind};

/// Rows that are kept in memory before they are written as a row group.
const ROW_GROUP: usize = 1 << 16;

pub(crate) struct ParquetFile {
    writer: SerializedFileWriter<Box<dyn Write + Send>>,
    columns: Vec<Buffer>,
    rows: usize,
    file: String,
}

impl ParquetFile {
    pub(crate) fn new(
        columns: &[Column],
        writer: Box<dyn Write + Send>,
        file: String,
    ) -> Result<Self, ExportError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(format!("igym version {}", env!("CARGO_PKG_VERSION")))
            .build();
        let writer = schema(columns)
            .and_then(|schema| SerializedFileWriter::new(writer, schema, Arc::new(properties)))
            .map_err(|error| ExportError::new(&file, error))?;
        Ok(Self {
            writer,
            columns: columns
                .iter()
                .map(|column| Buffer::new(column.kind))
                .collect(),
            rows: 0,
            file,
        })
    }

    pub(crate) fn write(&mut self, cells: Vec<Cell>) -> Result<(), ExportError> {
        for (buffer, cell) in self.columns.iter_mut().zip(cells) {
            buffer.push(cell);
        }
        self.rows += 1;
        if self.rows == ROW_GROUP {
            self.write_group()?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), ExportError> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer
            .close()
            .map(drop)
            .map_err(|error| ExportError::new(&self.file, error))
    }

    fn write_group(&mut self) -> Result<(), ExportError> {
        let columns = &mut self.columns;
        let write = || {
            let mut group = self.writer.next_row_group()?;
            for buffer in columns {
                let Some(mut column) = group.next_column()? else {
                    return Err(ParquetError::General("fewer columns than planned".into()));
                };
                buffer.flush(&mut column)?;
                column.close()?;
            }
            group.close()
        };
        write().map_err(|error| ExportError::new(&self.file, error))?;
        self.rows = 0;
        Ok(())
    }
}

/// The values of one column that are not written yet. A definition level of 0 is a null.
struct Buffer {
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Text(Vec<ByteArray>),
}

impl Buffer {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Bool => Values::Bool(Vec::new()),
            Kind::Int => Values::Int(Vec::new()),
            Kind::Float32 => Values::Float32(Vec::new()),
            Kind::Float64 => Values::Float64(Vec::new()),
            Kind::Text => Values::Text(Vec::new()),
        };
        Self {
            levels: Vec::new(),
            values,
        }
    }

    fn push(&mut self, cell: Cell) {
        let present = match (&mut self.values, cell) {
            (Values::Bool(values), Cell::Bool(value)) => push(values, value),
            (Values::Int(values), Cell::Int(value)) => push(values, value),
            (Values::Float32(values), Cell::Float32(value)) => push(values, value),
            (Values::Float64(values), Cell::Float64(value)) => push(values, value),
            (Values::Text(values), Cell::Text(value)) => {
                push(values, ByteArray::from(value.into_bytes()))
            }
            (
                _,
                Cell::Null
                | Cell::Bool(_)
                | Cell::Int(_)
                | Cell::Float32(_)
                | Cell::Float64(_)
                | Cell::Text(_),
            ) => false,
        };
        self.levels.push(i16::from(present));
    }

    fn flush(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = std::mem::take(&mut self.levels);
        match &mut self.values {
            Values::Bool(values) => write::<BoolType>(column, values, &levels),
            Values::Int(values) => write::<Int64Type>(column, values, &levels),
            Values::Float32(values) => write::<FloatType>(column, values, &levels),
            Values::Float64(values) => write::<DoubleType>(column, values, &levels),
            Values::Text(values) => write::<ByteArrayType>(column, values, &levels),
        }
    }
}

fn push<T>(values: &mut Vec<T>, value: T) -> bool {
    values.push(value);
    true
}

fn write<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    levels: &[i16],
) -> Result<(), ParquetError> {
    let values = std::mem::take(values);
    column
        .typed::<T>()
        .write_batch(&values, Some(levels), None)
        .map(drop)
}

fn schema(columns: &[Column]) -> Result<Arc<Type>, ParquetError> {
    let fields = columns
        .iter()
        .map(|column| {
            let (physical, logical) = match column.kind {
                Kind::Bool => (PhysicalType::BOOLEAN, None),
                Kind::Int => (PhysicalType::INT64, None),
                Kind::Float32 => (PhysicalType::FLOAT, None),
                Kind::Float64 => (PhysicalType::DOUBLE, None),
                Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            };
            Type::primitive_type_builder(&column.name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical)
                .build()
                .map(Arc::new)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("igym")
        .with_fields(fields)
        .build()
        .map(Arc::new)
}
