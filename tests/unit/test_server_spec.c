#include "server/spec.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "support/cmocka_all.h"

static struct tsp_server_spec presets(void)
{
    struct tsp_server_spec spec = {0};
    for (const struct tsp_field *f = tsp_server_fields; f->name; f++)
        tsp_field_store_preset(f, &spec);
    return spec;
}

static void what_is_not_given_has_the_documented_default(void **state)
{
    (void)state;
    struct tsp_server_spec spec = presets();
    assert_int_equal(spec.listen.count, 0);
    assert_int_equal(spec.port.lo, 2345);
    assert_int_equal(spec.port.hi, 2345);
    assert_null(spec.content.bytes);
    assert_null(spec.content_file);
    assert_int_equal(spec.acceptors, 0);
    assert_int_equal(spec.backlog, 0);
    assert_int_equal(spec.idle_timeout_ns, 60 * TSP_SECOND);
    assert_int_equal(spec.total_timeout_ns, 300 * TSP_SECOND);
    assert_int_equal(spec.max_open, 0);
    assert_int_equal(spec.max_request, 64 << 20);
    assert_false(spec.report_peer);
    assert_false(spec.defer_accept);
    assert_int_equal(tsp_server_spec_check(&spec, NULL), 0);
}

static void every_row_says_what_it_is_for(void **state)
{
    (void)state;
    for (const struct tsp_field *f = tsp_server_fields; f->name; f++) {
        assert_non_null(f->help);
        assert_ptr_equal(tsp_field_find(tsp_server_fields, f->name), f);
    }
}

static const struct {
    const char *field, *text;
} refused[] = {
    {"port", "65536"},      {"port", "2354-2345"}, {"acceptors", "1025"}, {"idle_timeout", "0"},
    {"total_timeout", "0"}, {"max_request", "0"},  {"max_open", "many"},
};

static void a_value_out_of_range_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct tsp_server_spec spec = presets();
        struct tsp_err err = {0};
        const struct tsp_field *f = tsp_field_find(tsp_server_fields, refused[i].field);
        if (tsp_field_store_text(f, refused[i].text, &spec, &err) != -EINVAL)
            fail_msg("%s = %s was taken", refused[i].field, refused[i].text);
        assert_true(strlen(err.msg) > 0);
    }
}

static void a_free_port_cannot_begin_a_range(void **state)
{
    (void)state;
    struct tsp_server_spec spec = presets();
    struct tsp_err err = {0};
    spec.port = (struct tsp_ports){0, 5};
    assert_int_equal(tsp_server_spec_check(&spec, &err), -EINVAL);
    assert_string_equal(err.msg, "field 'port': a range begins at 1 or above, got 0-5");
    spec.port = (struct tsp_ports){0, 0};
    assert_int_equal(tsp_server_spec_check(&spec, &err), 0);
}

static void content_and_its_file_exclude_each_other(void **state)
{
    (void)state;
    struct tsp_server_spec spec = presets();
    struct tsp_err err = {0};
    spec.content = (struct tsp_data){"pong", 4};
    assert_int_equal(tsp_server_spec_check(&spec, &err), 0);
    spec.content_file = "answer.bin";
    assert_int_equal(tsp_server_spec_check(&spec, &err), -EINVAL);
    assert_string_equal(err.msg, "fields 'content' and 'content_file' exclude each other");
}

static void an_empty_address_is_refused(void **state)
{
    (void)state;
    struct tsp_server_spec spec = presets();
    struct tsp_err err = {0};
    const char *names[] = {"127.0.0.1", ""};
    spec.listen = (struct tsp_strings){names, 1};
    assert_int_equal(tsp_server_spec_check(&spec, &err), 0);
    spec.listen.count = 2;
    assert_int_equal(tsp_server_spec_check(&spec, &err), -EINVAL);
    assert_string_equal(err.msg, "field 'listen': address or name expected, got ''");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_has_the_documented_default),
        cmocka_unit_test(every_row_says_what_it_is_for),
        cmocka_unit_test(a_value_out_of_range_is_refused),
        cmocka_unit_test(a_free_port_cannot_begin_a_range),
        cmocka_unit_test(content_and_its_file_exclude_each_other),
        cmocka_unit_test(an_empty_address_is_refused),
    };
    return cmocka_run_group_tests_name("server_spec", tests, NULL, NULL);
}
