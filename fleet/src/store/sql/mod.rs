//! The statements and their rows, written once. Each database's module includes this one as its child `sql`,
//! so it is compiled once for each of them: `super` is that database.
//!
//! A database's module names its types (`Db`, `DbRow`, `DbArguments`, `SqlStore`, `Tx`) and gives the few
//! fragments that differ: the macro `checkout_commit!`, and the functions of its `dialect`. Everything else is
//! SQL that both accept: numbered parameters, `ON CONFLICT`, `RETURNING`, text and 64-bit integers.
//!
//! [`SqlStore`] begins both kinds of transaction. One that writes has no other writer beside it, which is why
//! a method may read before it writes.

/// The condition that an op is open, as in the partial indexes of the migrations.
macro_rules! is_open {
    () => {
        "ops.status IN ('queued', 'sent', 'running')"
    };
}

mod audit;
mod deployments;
mod devices;
mod external_identities;
mod grants;
mod hosts;
mod invitations;
mod join;
mod ops;
mod output;
mod people;
mod pins;
mod retention;
mod rollouts;
mod row;
mod saved_views;
mod search;
mod second_factors;
mod sessions;

pub(super) use self::row::Columns;
use super::{Db, DbArguments, DbRow, SqlStore, StoreError, Tx, dialect};

/// Rows in one statement: far below the limit on bound values.
const ROWS_PER_STATEMENT: usize = 500;

#[cfg(test)]
mod tests {
    use backstay_model::OpStatus;

    #[test]
    fn an_op_is_open_in_the_database_if_it_is_open_in_the_model() {
        let open = OpStatus::ALL.into_iter().filter(|status| status.is_open());
        let names: Vec<_> = open.map(|status| format!("'{status}'")).collect();
        assert_eq!(is_open!(), format!("ops.status IN ({})", names.join(", ")));
    }
}
