//! Container engines: transports and Docker operations.
