//! Native environments
