"""Fields that several parts of the table name alike."""

from typing import Final

PERSON: Final = "id email display_name"
INVITATION: Final = f"id state client client_name job job_title role email invited_by({PERSON}) created_at expires_at"
MOVEMENT: Final = "id at kind explanation change_minor currency job subject"
MEDIA: Final = "id reference name state kind media_type size_bytes width height sha256 is_used failure created_at url"
