"""Dynamic resources and their options: what the engines must agree on, whatever the provider."""

from __future__ import annotations

import pulumi

from tests.parity.programs.parts import Folder, Note, export, label, scenario

Opts = pulumi.ResourceOptions


@scenario(stages=3)
def note_created_updated_replaced(stage: int) -> None:
    Note("note", text="first" if stage == 1 else "second", kind="b" if stage > 2 else "a")


@scenario()
def note_deleted_before_it_is_replaced_by_its_provider(stage: int) -> None:
    Note("note", kind=str(stage), first=True)


@scenario()
def note_deleted_before_it_is_replaced_by_its_option(stage: int) -> None:
    note = Note("note", kind=str(stage), opts=Opts(delete_before_replace=True))
    Note("dependent", text=note.length)
    Note("cascaded", kind=note.id)
    Note("after", opts=Opts(depends_on=[note]))


@scenario()
def note_created_before_its_dependents_follow(stage: int) -> None:
    note = Note("note", kind=str(stage))
    middle = Note("middle", kind=note.id)
    Note("last", text=middle.id)


@scenario()
def notes_with_parents(stage: int) -> None:
    top = Note("top")
    middle = Note("middle", opts=Opts(parent=top))
    Note("leaf", text=str(stage), opts=Opts(parent=middle))


@scenario()
def notes_in_order(stage: int) -> None:
    first = Note("first", text=str(stage))
    second = Note("second", opts=Opts(depends_on=[first]))
    Note("third", opts=Opts(depends_on=[first, second] if stage == 1 else [second]))


@scenario()
def component_with_children(stage: int) -> None:
    folder = Folder("folder")
    inner = Folder("inner", Opts(parent=folder))
    note = Note("note", text=str(stage), opts=Opts(parent=inner))
    inner.register_outputs({"length": note.length})
    folder.register_outputs({"stage": stage, "secret": pulumi.Output.secret("made up")})


@scenario()
def component_waited_for(stage: int) -> None:
    folder = Folder("folder")
    for number in range(stage):
        Note(f"inside-{number}", opts=Opts(parent=folder))
    Note("outside", opts=Opts(depends_on=[folder]))


@scenario()
def component_renamed_with_its_children(stage: int) -> None:
    name = "folder" if stage == 1 else "binder"
    folder = Folder(name, Opts(aliases=[pulumi.Alias(name=label("folder"))]))
    Note(f"{name}-note", opts=Opts(parent=folder))
    Note("other", opts=Opts(parent=folder))


@scenario(stages=3)
def note_moved_into_a_component(stage: int) -> None:
    folder = Folder("folder") if stage > 1 else None
    aliases = [pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]
    Note("note", opts=Opts(parent=folder, aliases=aliases) if folder else None)


@scenario()
def note_renamed_with_a_whole_urn(stage: int) -> None:
    old = f"urn:pulumi:test::parity::pulumi-python:dynamic:Resource::{label('before')}"
    Note("before" if stage == 1 else "after", text="same", opts=Opts(aliases=[old]))


@scenario()
def note_renamed_and_changed(stage: int) -> None:
    Note(
        "before" if stage == 1 else "after",
        text=str(stage),
        opts=Opts(aliases=[pulumi.Alias(name=label("before"))]),
    )


@scenario()
def note_renamed_without_an_alias(stage: int) -> None:
    Note(f"note-{stage}")


@scenario(stages=3, codes={2: 1}, previews={2: 1})
def note_protected_against_removal(stage: int) -> None:
    Note("kept")
    if stage != 2:
        Note("note", opts=Opts(protect=stage == 1))


@scenario(stages=3, codes={2: 1}, previews={2: 1})
def note_protected_against_replacement(stage: int) -> None:
    Note("note", kind=str(min(stage, 2)), opts=Opts(protect=stage < 3))


@scenario()
def notes_protected_by_their_parent(stage: int) -> None:
    folder = Folder("folder", Opts(protect=stage == 1))
    Note("note", opts=Opts(parent=folder))


@scenario()
def note_retained(stage: int) -> None:
    if stage == 1:
        Note("note", opts=Opts(retain_on_delete=True))


@scenario()
def notes_deleted_with_another(stage: int) -> None:
    if stage == 1:
        cluster = Note("cluster")
        Note("topic", fail=["delete"], opts=Opts(deleted_with=cluster))


@scenario(since=(3, 260))
def notes_replaced_with_what_they_are_deleted_with(stage: int) -> None:
    cluster = Note("cluster", kind=str(stage), first=True)
    Note("topic", opts=Opts(deleted_with=cluster))


@scenario(stages=3)
def changes_ignored(stage: int) -> None:
    ignored = ["text"] if stage < 3 else []
    Note("note", text=str(stage), opts=Opts(ignore_changes=ignored))


@scenario()
def changes_ignored_below_a_property(stage: int) -> None:
    more = {"ignored": stage, "list": [stage, 5, {"deep": stage}], "counted": stage}
    Note("note", more=more, opts=Opts(ignore_changes=["more.ignored", "more.list[0]", "more.list[2].deep"]))


@scenario()
def changes_ignored_everywhere_in_a_list(stage: int) -> None:
    more = [{"ignored": stage, "same": True}, {"ignored": stage, "same": True}]
    Note("note", more=more, opts=Opts(ignore_changes=["more[*].ignored"]))


@scenario()
def changes_that_replace(stage: int) -> None:
    Note("note", text=str(stage), opts=Opts(replace_on_changes=["text"]))


@scenario()
def secrets_in_depth(stage: int) -> None:
    secret = pulumi.Output.secret(f"made-up-{stage}")
    Note("object", more={"open": 1, "closed": secret, "deep": {"closed": secret}})
    Note("list", more=["open", secret, {"closed": secret}])
    Note("whole", more=pulumi.Output.secret({"list": [1, 2], "stage": stage}))


@scenario()
def secret_passed_on(stage: int) -> None:
    first = Note("first", text=pulumi.Output.secret(f"made-up-{stage}"))
    Note("second", text=first.text)
    export("length", first.length)


@scenario()
def secret_outputs_by_option(stage: int) -> None:
    note = Note("note", text=str(stage), opts=Opts(additional_secret_outputs=["text", "length"]))
    export("text", note.text)


@scenario(stages=3)
def value_becomes_secret(stage: int) -> None:
    Note("note", text=pulumi.Output.secret("made up") if stage == 2 else "made up")


@scenario()
def timeouts_changed(stage: int) -> None:
    Note(
        "note",
        opts=Opts(custom_timeouts=pulumi.CustomTimeouts(create="10m", update=f"{stage}h", delete="1h30m")),
    )


@scenario(stages=3)
def values_of_every_kind(stage: int) -> None:
    more = {
        "empty": [[], {}, ""],
        "numbers": [0, -1, 2.5, 1e21, 2**53, 1 / 3],
        "text": 'quotes " and \\ and ünïcödé and 😀 and \u2028',
        "nothing": [None, {"gone": None}],
        "logic": [True, False],
        "stage": {str(stage): stage},
    }
    Note("note", more=more)


@scenario()
def unknown_until_it_exists(stage: int) -> None:
    first = Note("first", text="x" * stage)
    Note("second", more={"length": first.length, "words": [first.id, "known"]})
    export("length", first.length.apply(lambda length: length * 2))


@scenario()
def notes_removed_in_order(stage: int) -> None:
    if stage == 1:
        first = Note("first")
        second = Note("second", text=first.length)
        Note("third", opts=Opts(depends_on=[second]))
    Note("stays")


@scenario(codes={1: 1})
def creation_fails(stage: int) -> None:
    note = Note("note", fail=["create"] if stage == 1 else None)
    Note("dependent", text=note.length)


@scenario(stages=3, codes={2: 1})
def update_fails(stage: int) -> None:
    note = Note("note", text=str(stage), fail=["update"] if stage == 2 else None)
    Note("dependent", text=note.length)


@scenario(stages=3, codes={2: 1})
def replacement_fails(stage: int) -> None:
    Note("note", kind=str(stage), first=True, fail=["create"] if stage == 2 else None)


@scenario(codes={1: 1}, previews={1: 1})
def inputs_refused(stage: int) -> None:
    Note("note", text="rude" if stage == 1 else "polite")


@scenario(codes={1: 1}, previews={1: 1})
def program_raises(stage: int) -> None:
    Note("note")
    if stage == 1:
        message = "the program is at its end"
        raise RuntimeError(message)


@scenario(codes={1: 1}, previews={1: 1})
def program_raises_an_error_for_people(stage: int) -> None:
    if stage == 1:
        message = "say what you want"
        raise pulumi.RunError(message)
    Note("note")


@scenario(codes={1: 1}, previews={1: 1})
def program_exits(stage: int) -> None:
    Note("note")
    if stage == 1:
        raise SystemExit(3)


@scenario(codes={1: 1}, previews={1: 1})
def name_used_twice(stage: int) -> None:
    note = Note("note")
    if stage == 1:
        Note("note", opts=Opts(depends_on=[note]))


@scenario()
def program_says_things(stage: int) -> None:
    note = Note("note", text=str(stage))
    pulumi.log.warn("mind the gap", note)
    pulumi.info("all is well")
    pulumi.debug("never mind")


@scenario()
def program_without_resources(stage: int) -> None:
    export("stage", stage)


@scenario(stages=3)
def outputs_come_and_go(stage: int) -> None:
    if stage != 2:
        export("sometimes", stage)
    export("secret", pulumi.Output.secret("made up"))
    export("deep", {"list": [stage, pulumi.Output.secret(stage)], "none": None})


@scenario(
    config={
        1: (("plain", "1"), ("--secret", "closed", "made up"), ("--path", "object.list[0]", "first")),
        2: (("plain", "true"), ("--path", "--secret", "object.closed", "made up"), ("other:key", "x")),
    },
)
def configuration_of_every_kind(stage: int) -> None:
    config = pulumi.Config()
    note = Note("note", text=config.require("plain"), more=config.require_object("object"))
    Note("secret", text=config.require_secret("closed"), more=config.get("defaulted"))
    export("other", pulumi.Config("other").get("key"))
    export("where", [pulumi.get_project(), pulumi.get_stack(), stage])
    export("note", note.text)


@scenario()
def resources_as_values(stage: int) -> None:
    first = Note("first", text=str(stage))
    export("first", first)


@scenario()
def many_at_once(stage: int) -> None:
    for number in range(30):
        Note(f"note-{number}", text=str(stage if number % 3 == 0 else 0))
