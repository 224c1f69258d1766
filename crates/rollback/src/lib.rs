//! Sans-I/O rollback engine
