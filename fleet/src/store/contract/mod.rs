//! The suite that every [`Store`] must pass: one test for each promise of its traits.
//!
//! Another database needs one [`Bench`] and one line at the end. The compiler reports a test that is missing
//! from the list as dead code.

use std::sync::Arc;

use async_trait::async_trait;

use super::Store;

mod audit;
mod delivery;
mod deployments;
mod devices;
mod external_identities;
mod fixture;
mod hosts;
mod join;
mod life;
mod ops;
mod output;
mod people;
mod pins;
mod plans;
mod postgres_bench;
mod reopen;
mod retention;
mod rollouts;
mod saved_views;
mod second_factors;
mod sessions;
mod sqlite_bench;
mod stop_tests;

/// A separate database for one test.
#[async_trait]
trait Bench: Sized + Send + Sync {
    /// Creates an empty database.
    async fn new() -> Self;
    /// Returns the store on it.
    fn store(&self) -> Arc<dyn Store>;
    /// Opens a second store on the same database, like another process.
    async fn another(&self) -> Arc<dyn Store>;
    /// Closes the store and opens it again.
    async fn reopen(&mut self);
    /// Runs a statement behind the store's back.
    async fn run(&self, sql: &str) -> Result<(), sqlx::Error>;
    /// Checks how the database carried out the statements of the test.
    async fn check_plans(&self);
    /// How a transaction of SQL text begins that writes.
    const BEGIN: &str;
    /// Makes the second entry of the audit log unreadable. The guards are gone.
    const MAKE_UNREADABLE: &str;
    /// A statement of this database alone that would change the audit log.
    const PAST_THE_GUARDS: &str;
    /// Removes the guards that keep the audit log append-only, as an attacker who can write the file would.
    async fn drop_guards(&self);
}

macro_rules! contract {
    ($database:ident, $bench:ty) => {
        contract! { @each $database, $bench,
            hosts: [
                a_host_is_found_by_identifier_name_and_token, hosts_come_by_name,
                an_agents_report_about_itself_is_recorded, last_seen_never_goes_back,
                facts_are_stored_unchanged, the_last_facts_win_whatever_the_hosts_clock_says,
                a_generation_stays_known_after_it_left_the_profile, a_number_with_another_build_is_updated,
                a_profile_may_become_empty, a_test_run_is_stored_once_and_stays,
                the_latest_run_of_each_build_is_found, facts_of_an_unknown_host_are_ignored,
                facts_of_another_version_do_not_hide_the_host, auto_test_is_set_with_its_audit_entry,
                a_removed_host_is_gone_but_its_ops_stay, a_host_that_an_op_holds_is_not_removed,
                labels_are_set_with_their_audit_entry, a_test_timeout_is_set_with_its_audit_entry,
                only_the_newest_generations_that_left_the_profile_are_kept, only_the_newest_test_runs_are_kept,
                a_removed_host_takes_its_history_with_it, a_host_is_read_without_its_facts,
            ],
            join: [
                a_join_token_enrols_a_host, an_enrolment_is_recorded_with_its_audit_entry,
                the_same_host_may_enrol_again, a_used_token_admits_no_other_host,
                an_expired_token_admits_no_host, a_token_for_one_host_admits_no_other,
                names_are_unique_ignoring_case, one_token_enrols_one_of_many_hosts_at_once,
                the_same_host_enrolling_twice_at_once_is_enrolled_once, expired_tokens_are_deleted,
            ],
            ops: [
                an_op_is_recorded_with_its_audit_entry, a_second_open_op_is_refused_with_the_first,
                a_blocked_op_holds_no_host, hosts_do_not_wait_for_each_other,
                of_many_ops_at_once_exactly_one_is_recorded, an_op_for_an_unknown_host_is_not_recorded,
                a_step_leaves_the_fields_that_it_does_not_set, of_many_closings_at_once_exactly_one_counts,
                a_step_that_is_not_allowed_writes_nothing, only_an_open_op_has_a_phase,
                the_last_system_op_took_place_on_the_host, ops_are_filtered_newest_first,
                rollbacks_come_newest_first,
            ],
            delivery: [
                a_step_can_require_one_status, the_database_itself_knows_the_table_of_steps,
                only_an_op_with_its_host_takes_a_cancel_request, ops_are_due_when_their_time_is_up,
                a_following_op_is_recorded_with_the_step, a_following_op_gives_way_to_one_that_holds_the_host,
                a_lost_rollback_is_recorded_again_with_its_real_end, an_op_records_which_one_it_retries,
            ],
            stop_tests: [
                tests_that_were_not_sent_are_cancelled, a_rollback_waits_for_tests_that_are_with_their_host,
                one_op_waits_for_the_tests_and_the_next_is_refused, no_other_op_gives_way_to_a_rollback,
                tests_that_end_at_that_moment_leave_no_rollback_waiting,
            ],
            deployments: [
                a_merge_opens_one_deployment_however_often_it_is_reported,
                a_later_merge_supersedes_active_deployments, ops_fill_a_deployment_host_by_host,
                a_deployment_is_decided_once, a_failed_revert_restores_the_decision_before_it,
                revert_candidates_are_recorded_once, the_commits_of_reverted_deployments_are_known,
                a_deployment_is_read_at_one_moment,
            ],
            rollouts: [
                a_rollout_is_recorded_with_its_audit_entry, of_many_rollouts_at_once_exactly_one_is_recorded,
                a_rollback_need_not_wait_for_one_that_is_stopping, a_host_begins_once_however_many_try,
                a_busy_host_does_not_begin, no_host_begins_after_a_stop, a_paused_rollout_starts_no_host_until_it_is_resumed,
                a_step_must_start_from_the_current_one, a_rollout_ends_once,
                a_rollout_is_read_with_one_of_its_hosts, the_ops_that_a_rollout_waits_for_are_found_together,
                a_following_op_is_found_by_the_one_before,
                rollbacks_of_several_hosts_are_recorded_in_one_and_hold_every_host,
                if_one_host_is_busy_or_has_moved_none_is_rolled_back, a_rollout_is_read_at_one_moment,
            ],
            life: [no_row_of_steps_leads_where_the_protocol_forbids],
            output: [
                repeated_lines_are_stored_once, a_gap_holds_the_mark_until_it_is_filled,
                any_order_of_delivery_gives_the_same_output, lines_are_read_in_order_after_a_mark,
                line_numbers_start_at_one, lines_of_an_unknown_op_are_refused,
            ],
            audit: [
                entries_come_newest_first, entries_are_filtered, an_untouched_log_verifies,
                many_writers_make_one_chain, a_log_is_verified_from_a_mark_on,
                a_mark_of_another_history_is_not_held, a_changed_entry_shows, a_removed_entry_shows,
                a_truncated_log_shows, an_inserted_entry_shows, an_entry_from_another_history_shows,
                an_entry_that_cannot_be_read_shows, how_far_the_log_is_verified_is_kept, the_database_itself_refuses_to_change_the_log,
            ],
            second_factors: [
                a_seed_counts_once_it_is_confirmed, a_code_works_once_also_if_two_servers_get_it,
                a_removed_second_factor_leaves_nothing, a_seed_is_resealed_if_it_is_still_the_same,
            ],
            people: [
                a_person_is_found_by_name, a_view_is_kept_for_its_person, an_unreadable_view_becomes_the_default,
                the_database_itself_bounds_a_view, a_person_has_one_role_on_each_scope, everybody_is_listed_with_what_is_known_of_their_sessions,
                a_person_is_changed_with_the_audit_entry, the_last_enabled_administrator_stays,
                of_two_administrators_who_disable_each_other_one_stays, a_disabled_person_has_no_session,
                a_password_is_changed_from_the_one_that_was_checked, an_invitation_is_used_once_and_in_time,
                an_invitation_is_void_once_it_is_replaced_or_revoked_or_the_name_is_taken,
                the_invitations_of_a_former_administrator_are_void,
            ],
            sessions: [
                a_new_password_ends_the_sessions, a_session_lasts_until_it_expires, a_used_session_lasts_longer,
                a_session_belongs_to_the_password_that_was_checked, an_ended_session_is_over,
                all_sessions_but_one_are_ended, a_session_replaces_another, the_sessions_used_last_are_kept,
                what_has_expired_is_deleted,
            ],
            saved_views: [
                a_view_belongs_to_the_person_who_saved_it, a_person_saves_so_many_views_and_no_more,
            ],
            pins: [
                a_pin_is_kept_with_its_audit_entry, a_removed_host_takes_its_pins_with_it,
                pins_of_generations_that_left_the_profile_make_room,
            ],
            external_identities: [
                a_person_of_a_provider_is_known_by_its_identifier, a_name_is_never_taken_over,
                of_two_first_log_ins_at_once_one_makes_the_person, the_provider_alone_decides_the_roles,
                a_person_of_a_provider_gets_no_password, a_log_out_at_the_provider_ends_its_sessions,
            ],
            devices: [a_device_is_known_for_its_person_and_for_a_time],
            retention: [
                output_goes_and_its_op_says_when, lines_that_come_after_the_removal_go_too,
                an_old_op_stays_if_something_needs_it, the_ops_that_a_hosts_past_is_read_from_stay, young_ops_stay,
                the_latest_run_of_each_build_in_the_profile_stays, a_rollout_stays_while_it_is_open_or_has_an_op,
                only_deployments_that_are_over_go, a_removed_host_goes_with_its_last_op,
                one_audit_entry_tells_what_was_removed, the_space_is_measured_by_kind,
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
                    crate::store::contract::Bench::check_plans(&bench).await;
                })*
            })*
        }
    };
}

contract!(postgres, crate::store::contract::postgres_bench::PostgresBench);
contract!(sqlite, crate::store::contract::sqlite_bench::SqliteBench);
