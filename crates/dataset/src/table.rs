//! Tables: their columns, and how each cell is made from a record.

use std::io::{self, Write};

use crate::column::{AsCell, Cell, Column, Kind};
use crate::parquet_file::ParquetFile;
use crate::{ExportError, Format};

/// Where an export's files go. Paths are relative and use `/`.
pub trait Sink {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn Write + Send>>;
}

impl<F: FnMut(&str) -> io::Result<Box<dyn Write + Send>>> Sink for F {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn Write + Send>> {
        self(path)
    }
}

/// Adds columns to a table, in the form `name, unit => value of a row; what it means;`.
macro_rules! columns {
    ($table:expr, |$row:ident: &$record:ty| {
        $($name:expr, $unit:expr => $value:expr; $about:expr;)*
    }) => {
        $table$(.with($name, $unit, $about, move |$row: &$record| $value))*
    };
}

pub(crate) use columns;

/// A table whose rows are made from records of one type.
pub(crate) struct Table<R> {
    pub(crate) columns: Vec<Column>,
    cells: Vec<CellOf<R>>,
}

type CellOf<R> = Box<dyn Fn(&R) -> Cell>;

impl<R> Table<R> {
    pub(crate) fn new() -> Self {
        Self {
            columns: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// Adds a column whose kind follows from the value.
    pub(crate) fn with<T: AsCell>(
        self,
        name: impl Into<String>,
        unit: &'static str,
        about: impl Into<String>,
        value: impl Fn(&R) -> T + 'static,
    ) -> Self {
        self.with_kind(name, T::KIND, unit, about, move |record| {
            value(record).cell()
        })
    }

    /// Adds a column whose kind is known only now.
    pub(crate) fn with_kind(
        mut self,
        name: impl Into<String>,
        kind: Kind,
        unit: &'static str,
        about: impl Into<String>,
        cell: impl Fn(&R) -> Cell + 'static,
    ) -> Self {
        self.columns.push(Column {
            name: name.into(),
            kind,
            unit,
            about: about.into(),
        });
        self.cells.push(Box::new(cell));
        self
    }

    /// Begins the table's files, `<path>.csv` and `<path>.parquet` as the format says.
    pub(crate) fn open(
        self,
        path: &str,
        format: Format,
        sink: &mut dyn Sink,
    ) -> Result<TableWriter<R>, ExportError> {
        let csv = match format {
            Format::Csv | Format::Both => {
                let file = format!("{path}.csv");
                let writer = create(sink, &file)?;
                let mut csv = csv::Writer::from_writer(writer);
                csv.write_record(self.columns.iter().map(|column| &column.name))
                    .map_err(|error| ExportError::new(&file, error))?;
                Some((csv, file))
            }
            Format::Parquet => None,
        };
        let parquet = match format {
            Format::Parquet | Format::Both => {
                let file = format!("{path}.parquet");
                let writer = create(sink, &file)?;
                Some(ParquetFile::new(&self.columns, writer, file)?)
            }
            Format::Csv => None,
        };
        Ok(TableWriter {
            table: self,
            csv,
            parquet,
            rows: 0,
        })
    }
}

/// Writes rows into a table's files.
pub(crate) struct TableWriter<R> {
    table: Table<R>,
    csv: Option<(csv::Writer<Box<dyn Write + Send>>, String)>,
    parquet: Option<ParquetFile>,
    rows: u64,
}

impl<R> TableWriter<R> {
    pub(crate) fn write(&mut self, record: &R) -> Result<(), ExportError> {
        let cells: Vec<Cell> = self.table.cells.iter().map(|cell| cell(record)).collect();
        debug_assert!(
            cells
                .iter()
                .zip(&self.table.columns)
                .all(|(cell, column)| cell.fits(column.kind)),
            "a cell of another kind than its column's: {cells:?}"
        );
        if let Some((csv, file)) = &mut self.csv {
            csv.write_record(cells.iter().map(Cell::to_string))
                .map_err(|error| ExportError::new(file, error))?;
        }
        if let Some(parquet) = &mut self.parquet {
            parquet.write(cells)?;
        }
        self.rows += 1;
        Ok(())
    }

    pub(crate) fn write_all<'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r R>,
    ) -> Result<(), ExportError>
    where
        R: 'r,
    {
        records
            .into_iter()
            .try_for_each(|record| self.write(record))
    }

    /// Completes the files and tells what was written.
    pub(crate) fn finish(self) -> Result<Written, ExportError> {
        if let Some((mut csv, file)) = self.csv {
            csv.flush()
                .map_err(|error| ExportError::new(&file, error))?;
        }
        if let Some(parquet) = self.parquet {
            parquet.finish()?;
        }
        Ok(Written {
            columns: self.table.columns,
            rows: self.rows,
        })
    }
}

/// A finished table.
pub(crate) struct Written {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: u64,
}

pub(crate) fn create(
    sink: &mut dyn Sink,
    file: &str,
) -> Result<Box<dyn Write + Send>, ExportError> {
    sink.create(file)
        .map_err(|error| ExportError::new(file, error))
}
