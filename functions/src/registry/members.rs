//! Members, invitations, roles, and the organisations of a person.

use super::*;
use crate::{auth, invitations, me, members, organisation, roles};

routes! {
    MEMBERS_LIST = Route {
        name: "members-list", path: "/v1/members",
        summary: "Who is in the organisation, the oldest accounts first.",
        access: member!(ReadMembers, needs_nothing, members::list), query: &[LIMIT, CURSOR],
        success: &[(200, Some(shape::<members::list::ListResponse>))], ..ROUTE
    };
    MEMBERS_GET = Route {
        name: "members-get", path: "/v1/members/{user_id}",
        summary: "A member.",
        access: member!(ReadMembers, members::needs, members::get),
        success: &[(200, Some(shape::<members::MemberResponse>))], problems: &[404], ..ROUTE
    };
    MEMBERS_UPDATE = Route {
        name: "members-update", method: "PATCH", path: "/v1/members/{user_id}",
        summary: "Gives a member another role, or suspends or reinstates them. Their sessions for the organisation end.",
        access: member!(ManageMembers, members::needs, members::update), body: PATCH,
        request: Some(shape::<members::update::MemberPatch>),
        success: &[(200, Some(shape::<members::MemberResponse>))], problems: &[404, 409, 412, 428], ..ROUTE
    };
    MEMBERS_DELETE = Route {
        name: "members-delete", method: "DELETE", path: "/v1/members/{user_id}",
        summary: "Removes a member. Their sessions for the organisation end; their account stays theirs.",
        access: member!(ManageMembers, members::needs, members::delete),
        success: &[(204, None)], problems: &[404, 409, 412], ..ROUTE
    };
    MEMBERS_LEAVE = Route {
        name: "members-leave", method: "POST", path: "/v1/organisation/leave",
        summary: "Leaves the organisation of the session. Everybody can but its last owner.",
        access: member!(UseOwnAccount, needs_nothing, members::leave),
        success: &[(204, None)], problems: &[404, 409], ..ROUTE
    };
    ORGANISATION_TRANSFER = Route {
        name: "organisation-transfer", method: "POST", path: "/v1/organisation/transfer",
        summary: "Makes another member an owner, and oneself an admin. The answer is a new session in place of the old.",
        access: member!(TransferOwnership, needs_nothing, organisation::transfer), body: JSON,
        request: Some(shape::<organisation::transfer::TransferRequest>),
        success: &[(200, Some(shape::<auth::SessionResponse>))], problems: &[409, 412], ..ROUTE
    };
    ROLES_LIST = Route {
        name: "roles-list", path: "/v1/roles",
        summary: "The roles that members can have, with what each allows.",
        access: member!(ReadMembers, needs_nothing, roles::list),
        success: &[(200, Some(shape::<roles::list::RolesResponse>)), (304, None)], ..ROUTE
    };
    ROLES_CREATE = Route {
        name: "roles-create", method: "POST", path: "/v1/roles",
        summary: "Defines a role of the organisation's own. Its ETag is the organisation's.",
        access: member!(ManageRoles, needs_nothing, roles::create), body: JSON,
        request: Some(shape::<roles::create::RoleRequest>),
        success: &[(201, Some(shape::<roles::RoleResponse>))], problems: &[409, 412], ..ROUTE
    };
    ROLES_UPDATE = Route {
        name: "roles-update", method: "PATCH", path: "/v1/roles/{role_id}",
        summary: "Changes a role. Who has it can do something else from the next request on.",
        access: member!(ManageRoles, needs_nothing, roles::update), body: PATCH,
        request: Some(shape::<roles::update::RolePatch>),
        success: &[(200, Some(shape::<roles::RoleResponse>))], problems: &[404, 409, 412, 428], ..ROUTE
    };
    ROLES_DELETE = Route {
        name: "roles-delete", method: "DELETE", path: "/v1/roles/{role_id}",
        summary: "Deletes a role that no member and no invitation has.",
        access: member!(ManageRoles, needs_nothing, roles::delete),
        success: &[(204, None)], problems: &[404, 409, 412], ..ROUTE
    };
    INVITATIONS_CREATE = Route {
        name: "invitations-create", method: "POST", path: "/v1/invitations",
        summary: "Invites an address; a code that is good for seven days is sent to it. One invitation per address.",
        access: member!(InviteMembers, needs_nothing, invitations::create), body: JSON,
        request: Some(shape::<invitations::create::InvitationRequest>), rate: Rate::Sensitive,
        success: &[(201, Some(shape::<invitations::InvitationResponse>))], problems: &[409], ..ROUTE
    };
    INVITATIONS_LIST = Route {
        name: "invitations-list", path: "/v1/invitations",
        summary: "The invitations that wait, the oldest first.",
        access: member!(ReadMembers, needs_nothing, invitations::list), query: &[LIMIT, CURSOR],
        success: &[(200, Some(shape::<invitations::list::ListResponse>))], ..ROUTE
    };
    INVITATIONS_RESEND = Route {
        name: "invitations-resend", method: "POST", path: "/v1/invitations/{invitation_id}/resend",
        summary: "Sends an invitation again, with a new code. The old code is dead.",
        access: member!(InviteMembers, invitations::needs, invitations::resend), rate: Rate::Sensitive,
        success: &[(200, Some(shape::<invitations::InvitationResponse>))], problems: &[404, 409, 412], ..ROUTE
    };
    INVITATIONS_DELETE = Route {
        name: "invitations-delete", method: "DELETE", path: "/v1/invitations/{invitation_id}",
        summary: "Takes an invitation back. Its code is dead.",
        access: member!(InviteMembers, invitations::needs, invitations::delete),
        success: &[(204, None)], problems: &[404, 412], ..ROUTE
    };
    INVITATIONS_ACCEPT = Route {
        name: "invitations-accept", method: "POST", path: "/v1/auth/accept-invitation",
        summary: "Makes an account for an invited address, which needs no further proof, in the organisation that invites.",
        access: public!(invitations::accept), body: JSON, request: Some(shape::<invitations::accept::AcceptRequest>),
        rate: Rate::Sensitive, success: &[(201, Some(shape::<me::PlaceResponse>))], problems: &[409], ..ROUTE
    };
    ME_ORGANISATIONS = Route {
        name: "me-organisations", path: "/v1/me/organisations",
        summary: "The organisations that one is in.",
        access: member!(UseOwnAccount, needs_nothing, me::organisations),
        success: &[(200, Some(shape::<me::organisations::PlacesResponse>))], ..ROUTE
    };
    ME_JOIN = Route {
        name: "me-join", method: "POST", path: "/v1/me/organisations",
        summary: "Accepts an invitation with the account that one has. It must be for the address of the account.",
        access: member!(UseOwnAccount, me::needs, me::join), body: JSON, request: Some(shape::<me::join::JoinRequest>),
        rate: Rate::Sensitive,
        success: &[(201, Some(shape::<me::PlaceResponse>))], problems: &[403, 409], ..ROUTE
    };
    ME_SWITCH = Route {
        name: "me-switch", method: "POST", path: "/v1/me/organisations/{organisation_id}/switch",
        summary: "Goes on in another organisation, with a new session in place of the old.",
        access: member!(UseOwnAccount, needs_nothing, me::switch),
        success: &[(200, Some(shape::<auth::SessionResponse>))], problems: &[403, 404], ..ROUTE
    };
}
