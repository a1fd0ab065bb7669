//! The suite that every [`Store`] must pass: what the trait promises, one promise to a test.
//!
//! Another database is one [`Bench`] and one line at the end. A test that is not in the list is dead code, and the
//! compiler says so.

use std::sync::Arc;

use async_trait::async_trait;

use super::Store;

mod audit;
mod delivery;
mod deployments;
mod fixture;
mod hosts;
mod join;
mod life;
mod ops;
mod output;
mod people;
mod reopen;
mod rollouts;
mod sqlite_bench;
mod stop_tests;

/// A database of its own for one test.
#[async_trait]
trait Bench: Sized + Send + Sync {
    /// A new, empty one.
    async fn new() -> Self;
    /// The store on it.
    fn store(&self) -> Arc<dyn Store>;
    /// A second store on the same database, as another process would have it.
    async fn another(&self) -> Arc<dyn Store>;
    /// Closes the store and opens it again.
    async fn reopen(&mut self);
    /// Runs a statement behind the store's back.
    async fn run(&self, sql: &str) -> Result<(), sqlx::Error>;
    /// Takes away what keeps the audit log append-only, as somebody would who can write the file.
    async fn drop_guards(&self);
}

macro_rules! contract {
    ($database:ident, $bench:ty) => {
        contract! { @each $database, $bench,
            hosts: [
                a_host_is_found_by_identifier_name_and_token, hosts_come_by_name,
                what_an_agent_says_of_itself_is_remembered, last_seen_never_goes_back,
                facts_are_remembered_as_they_are,
                the_facts_that_come_last_count_whatever_the_hosts_clock_says, a_generation_stays_known_after_it_left_the_profile,
                a_number_that_stands_for_another_build_is_renewed, a_profile_may_become_empty,
                a_test_run_is_kept_once_and_for_good, of_each_build_the_latest_run_is_found, facts_of_no_host_are_passed_over,
                facts_of_another_version_do_not_hide_the_host, auto_test_goes_with_its_audit_entry,
                a_removed_host_is_gone_and_what_names_it_stays, a_host_that_an_op_holds_is_not_removed,
                labels_go_with_their_audit_entry, a_test_timeout_goes_with_its_audit_entry,
            ],
            join: [
                a_join_token_enrols_a_host, an_enrolment_goes_with_its_audit_entry, the_same_host_may_ask_again, a_used_token_is_worth_nothing_to_another,
                an_expired_token_is_worth_nothing, a_token_for_one_host_is_worth_nothing_to_another,
                names_are_unique_whatever_their_case, of_many_hosts_at_once_one_token_enrols_one,
                the_same_host_asking_twice_at_once_is_enrolled_once, expired_tokens_are_forgotten,
            ],
            ops: [
                an_op_is_recorded_with_its_audit_entry, a_second_open_op_is_refused_with_the_first,
                a_blocked_op_holds_no_host, hosts_do_not_wait_for_each_other,
                of_many_ops_at_once_exactly_one_is_recorded, an_op_of_no_host_is_not_recorded,
                a_step_leaves_what_it_does_not_name, of_many_closings_at_once_exactly_one_counts,
                a_step_that_is_not_allowed_writes_nothing, a_phase_is_of_open_ops_alone,
                the_last_system_op_is_one_that_reached_the_host, ops_are_filtered_newest_first,
                rollbacks_come_newest_first,
            ],
            delivery: [
                a_step_may_come_from_one_status_alone, the_database_itself_knows_the_table_of_steps,
                a_cancel_is_asked_of_ops_that_are_with_their_host, ops_are_due_when_their_time_has_come,
                what_follows_is_recorded_with_the_step, what_follows_gives_way_to_an_op_that_holds_the_host,
                a_rollback_that_was_found_is_recorded_as_it_was, an_op_remembers_which_one_it_tries_again,
            ],
            stop_tests: [
                tests_that_were_not_sent_are_taken_back, a_rollback_waits_for_tests_that_are_with_their_host,
                one_op_waits_for_the_tests_and_the_next_is_told_of_it, no_other_op_gives_way_to_a_rollback,
                tests_that_end_at_that_moment_leave_no_rollback_waiting,
            ],
            deployments: [
                a_merge_opens_one_deployment_however_often_it_is_heard_of,
                a_later_merge_supersedes_what_is_going_on, ops_fill_a_deployment_host_by_host,
                a_deployment_is_decided_once, a_revert_that_failed_leaves_what_was_decided_before_it, what_may_have_become_the_revert_is_remembered,
                the_commits_of_what_was_reverted_are_known,
            ],
            rollouts: [
                a_rollout_is_recorded_with_its_audit_entry, of_many_rollouts_at_once_exactly_one_is_recorded,
                a_rollback_need_not_wait_for_one_that_is_stopping, a_host_is_begun_once_whoever_begins_it,
                a_host_that_is_busy_is_not_begun, no_host_is_begun_after_a_stop,
                a_step_is_taken_from_where_the_host_is, a_rollout_ends_once,
                what_follows_on_an_op_is_found_by_it,
                rollbacks_of_several_hosts_are_recorded_in_one_and_hold_every_host,
                where_one_host_is_busy_or_has_moved_no_host_is_rolled_back,
            ],
            life: [no_row_of_steps_leads_where_the_protocol_forbids],
            output: [
                lines_are_stored_once_whatever_comes_again, a_gap_holds_the_mark_until_it_is_filled,
                any_order_of_delivery_comes_to_the_same, lines_are_read_in_order_after_a_mark,
                what_counts_from_nothing_is_no_line, lines_of_no_op_are_refused,
            ],
            audit: [
                entries_come_newest_first, entries_are_chosen, an_untouched_log_holds, many_writers_make_one_chain,
                a_changed_entry_shows, a_cut_entry_shows, a_log_cut_at_its_end_shows, an_entry_put_in_shows,
                an_entry_from_another_history_shows, an_entry_that_cannot_be_read_shows,
                the_database_itself_refuses_to_change_the_log,
            ],
            people: [
                a_person_is_found_by_name, a_new_password_ends_the_sessions, a_session_lasts_until_it_expires,
                an_ended_session_is_over, nobody_has_no_session, expired_sessions_are_forgotten,
                a_view_is_kept_for_its_person, a_view_that_is_not_understood_is_the_one_of_the_start,
                the_database_itself_bounds_a_view,
            ],
            reopen: [everything_is_there_after_reopening],
        }
    };
    (@each $database:ident, $bench:ty, $($theme:ident: [$($test:ident),* $(,)?]),* $(,)?) => {
        mod $database {
            $(mod $theme {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let mut bench = <$bench as crate::store::contract::Bench>::new().await;
                    crate::store::contract::$theme::$test(&mut bench).await;
                })*
            })*
        }
    };
}

contract!(sqlite, crate::store::contract::sqlite_bench::SqliteBench);
