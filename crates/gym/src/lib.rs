//! What an environment is
