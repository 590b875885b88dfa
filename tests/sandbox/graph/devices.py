"""What hangs on a token: devices and profiles."""

from typing import assert_never

from tests.sandbox.apple.answers import Answer
from tests.sandbox.graph.answers import bad_request, granted, not_found, nothing
from tests.sandbox.graph.call import Call
from tests.sandbox.graph.entries import DevicePlatform, EnrollmentProfile, Identity
from tests.sandbox.graph.knobs import Unset
from tests.sandbox.graph.lists import listed
from tests.sandbox.graph.onboarding import entry_of

_BY_NAVIGATION = {platform.navigation: platform for platform in DevicePlatform}
_MOST_SERIALS = 1000


def list_devices(call: Call) -> Answer:
    """`GET …/{id}/importedAppleDeviceIdentities`."""
    devices = list(entry_of(call).identities.values())
    return listed(call, devices, _device_fields, "importedAppleDeviceIdentity")


def delete_device(call: Call) -> Answer:
    """`DELETE …/{id}/importedAppleDeviceIdentities/{iid}`."""
    if entry_of(call).identities.pop(call.parts["item"], None) is None:
        raise not_found()
    return nothing()


def list_profiles(call: Call) -> Answer:
    """`GET …/{id}/enrollmentProfiles`."""
    profiles = list(entry_of(call).profiles.values())
    return listed(call, profiles, lambda one: _profile(call, one), "enrollmentProfile")


def show_profile(call: Call) -> Answer:
    """`GET …/{id}/enrollmentProfiles/{pid}`."""
    return granted(_profile(call, _profile_of(call)))


def default_profile(call: Call) -> Answer:
    """`GET …/{id}/default…EnrollmentProfile`."""
    entry, unset = entry_of(call), call.tenant.knobs.unset_default
    profile = entry.defaults.get(_BY_NAVIGATION[call.parts["navigation"]])
    if profile is not None:
        shown = _profile(call, profile)
        # A policy shows under another id here than in the list.
        return granted({**shown, "id": f"ECV2_{profile.id}"} if profile.is_policy else shown)
    match unset:
        case Unset.NOT_FOUND:
            raise not_found()
        case Unset.NO_CONTENT:
            return nothing()
        case Unset.NULL:
            return granted(None)
        case _ as never:
            assert_never(never)


def set_default(call: Call) -> Answer:
    """`POST …/{id}/enrollmentProfiles/{pid}/setDefaultProfile`."""
    call.no_body()
    profile = _profile_of(call)
    entry_of(call).defaults[profile.platform] = profile
    return nothing()


def assign(call: Call) -> Answer:
    """`POST …/{id}/enrollmentProfiles/{pid}/updateDeviceProfileAssignment`."""
    entry, profile = entry_of(call), _profile_of(call)
    serials = call.json({"deviceIds": list}, required=frozenset({"deviceIds"}))["deviceIds"]
    if not serials or len(serials) > _MOST_SERIALS:
        raise bad_request(f"Give 1 to {_MOST_SERIALS} devices.", packed=True)
    by_serial = {one.serial_number: one for one in entry.live()}
    if unknown := [serial for serial in serials if serial not in by_serial]:
        raise bad_request(f"Device {unknown[0]} is not under this token.", packed=True)
    for serial in serials:
        device = by_serial[serial]
        device.profile_id = profile.id
        device.profile_assigned_at = call.tenant.now()
    return nothing()


def _profile_of(call: Call) -> EnrollmentProfile:
    profile = entry_of(call).profiles.get(call.parts["item"])
    if profile is None:
        raise not_found("Profile not found")
    return profile


def _profile(call: Call, profile: EnrollmentProfile) -> dict[str, object]:
    typed = {"@odata.type": profile.platform.odata_type}
    return {**(typed if call.tenant.knobs.types_answers else {}), **profile.fields()}


def _device_fields(device: Identity) -> dict[str, object]:
    return device.fields()
