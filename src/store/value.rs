//! What goes into a statement and what comes out: three kinds of value and typed access to a row.

use std::fmt::Display;
use std::rc::Rc;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::StoreError;
use crate::domain::actor::Person;

/// A parameter or a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A domain value as its text.
pub(super) fn text(value: impl Display) -> Value {
    Value::Text(value.to_string())
}

pub(super) fn opt_text(value: Option<impl Display>) -> Value {
    value.map_or(Value::Null, text)
}

/// A size or counter; the store's integers are signed.
pub(super) fn size(value: u64) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A record as JSON text.
pub(super) fn json(value: &impl serde::Serialize) -> Value {
    Value::Text(crate::domain::subject::canonical_json(value))
}

pub(super) fn opt_json<T: serde::Serialize>(value: Option<&T>) -> Value {
    value.map_or(Value::Null, json)
}

pub(super) fn small<T: TryFrom<i64, Error: std::fmt::Display>>(
    column: &str,
    number: i64,
) -> Result<T, StoreError> {
    T::try_from(number).map_err(|why| StoreError::unreadable(column, why))
}

/// One row of an answer; columns by name.
#[derive(Debug)]
pub struct Row {
    pub(super) names: Rc<[String]>,
    pub(super) values: Vec<Value>,
}

impl Row {
    fn value(&self, column: &str) -> Result<&Value, StoreError> {
        let at = self.names.iter().position(|name| name == column);
        at.and_then(|at| self.values.get(at)).ok_or_else(|| StoreError::unreadable(column, "no such column"))
    }

    pub fn int(&self, column: &str) -> Result<i64, StoreError> {
        match self.value(column)? {
            Value::Int(number) => Ok(*number),
            other => Err(StoreError::unreadable(column, format!("{other:?} is no number"))),
        }
    }

    pub fn size(&self, column: &str) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|why| StoreError::unreadable(column, why))
    }

    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            _ => self.int(column).map(Some),
        }
    }

    pub fn text(&self, column: &str) -> Result<String, StoreError> {
        match self.value(column)? {
            Value::Text(text) => Ok(text.clone()),
            other => Err(StoreError::unreadable(column, format!("{other:?} is no text"))),
        }
    }

    pub fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            _ => self.text(column).map(Some),
        }
    }

    /// A domain value from its text.
    pub fn parse<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|why| StoreError::unreadable(column, why))
    }

    pub fn opt_parse<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.opt_text(column)?
            .map(|text| text.parse().map_err(|why| StoreError::unreadable(column, why)))
            .transpose()
    }

    /// Who did it, from the three columns every such row has.
    pub fn person(&self) -> Result<Person, StoreError> {
        Ok(Person {
            name: self.text("by_name")?,
            uid: small("by_uid", self.int("by_uid")?)?,
            login: self.opt_text("by_login")?,
        })
    }

    /// A record from its JSON text.
    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|why| StoreError::unreadable(column, why))
    }

    pub fn opt_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.opt_text(column)?
            .map(|text| serde_json::from_str(&text).map_err(|why| StoreError::unreadable(column, why)))
            .transpose()
    }
}
