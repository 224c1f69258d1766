//! Studies as pure state machines
