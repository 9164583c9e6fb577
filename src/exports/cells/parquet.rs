//! Rows as a Parquet file. Each column may be empty; a group of rows is written at once.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::{Cell, Heading};
use crate::projections::views::ColumnKind;

/// The digits of a decimal: as many as 16 bytes hold.
const PRECISION: i32 = 38;

/// A file that is being written.
pub struct Writer {
    kinds: Vec<ColumnKind>,
    file: SerializedFileWriter<BufWriter<File>>,
}

impl Writer {
    /// A file for rows of what `name` names.
    pub fn new(file: File, name: &str, headings: &[Heading<'_>]) -> Result<Self, ParquetError> {
        let fields = headings.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder(name).with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("commlog {}", env!("CARGO_PKG_VERSION")))
            .build();
        let file = SerializedFileWriter::new(BufWriter::new(file), Arc::new(schema), Arc::new(properties))?;
        Ok(Self { kinds: headings.iter().map(|heading| heading.kind).collect(), file })
    }

    /// Writes rows as a group of their own, if there are any.
    pub fn write(&mut self, rows: &[Vec<Cell>]) -> Result<(), ParquetError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for (place, kind) in self.kinds.iter().enumerate() {
            let Some(mut column) = group.next_column()? else { break };
            write_column(&mut column, *kind, rows.iter().map(|row| &row[place]))?;
            column.close()?;
        }
        group.close().map(drop)
    }

    /// Completes the file.
    pub fn end(self) -> Result<(), ParquetError> {
        self.file.close().map(drop)
    }
}

fn field(heading: &Heading<'_>) -> Result<TypePtr, ParquetError> {
    let decimal = |scale| (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(scale, PRECISION)), Some(scale));
    let (physical, logical, scale) = match heading.kind {
        ColumnKind::Id | ColumnKind::Text | ColumnKind::Json | ColumnKind::Bytes => {
            (Physical::BYTE_ARRAY, Some(LogicalType::String), None)
        }
        ColumnKind::Integer => (Physical::INT64, None, None),
        ColumnKind::LargeInteger => decimal(0),
        ColumnKind::Decimal => decimal(6),
        ColumnKind::Boolean => (Physical::BOOLEAN, None, None),
        ColumnKind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)), None),
    };
    let builder = Type::primitive_type_builder(heading.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    let builder = match scale {
        Some(scale) => builder.with_length(16).with_precision(PRECISION).with_scale(scale),
        None => builder,
    };
    builder.build().map(Arc::new)
}

fn write_column<'c>(
    column: &mut SerializedColumnWriter<'_>,
    kind: ColumnKind,
    cells: impl Iterator<Item = &'c Cell>,
) -> Result<(), ParquetError> {
    match kind {
        ColumnKind::Id | ColumnKind::Text | ColumnKind::Json | ColumnKind::Bytes => {
            write_values::<ByteArrayType>(column, cells, |cell| match cell {
                Cell::Text(text) => Some(ByteArray::from(text.as_str())),
                _ => None,
            })
        }
        ColumnKind::Integer | ColumnKind::Time => write_values::<Int64Type>(column, cells, |cell| match cell {
            Cell::Integer(number) | Cell::Time(number) => Some(*number),
            _ => None,
        }),
        ColumnKind::LargeInteger | ColumnKind::Decimal => {
            write_values::<FixedLenByteArrayType>(column, cells, |cell| match cell {
                Cell::Large(number) | Cell::Decimal(number) => {
                    Some(FixedLenByteArray::from(number.to_be_bytes().to_vec()))
                }
                _ => None,
            })
        }
        ColumnKind::Boolean => write_values::<BoolType>(column, cells, |cell| match cell {
            Cell::Boolean(truth) => Some(*truth),
            _ => None,
        }),
    }
}

/// Writes the values that there are, and where there are none.
fn write_values<'c, T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    cells: impl Iterator<Item = &'c Cell>,
    value: impl Fn(&Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for cell in cells {
        let found = value(cell);
        levels.push(i16::from(found.is_some()));
        values.extend(found);
    }
    column.typed::<T>().write_batch(&values, Some(&levels), None).map(drop)
}
