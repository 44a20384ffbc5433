//! The words of Chrontainer: types, ids, validation and rules, without I/O.
