pub mod bench;
pub mod data;
pub mod evaluate;
pub mod generate;
pub mod ledger;
pub mod model;
pub mod train;
pub mod verify;
