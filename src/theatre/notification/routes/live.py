"""The websocket of a user's inbox; see `sockets` for what is said over it."""

from fastapi import APIRouter, WebSocket

from theatre.notification import sockets

router = APIRouter()


@router.websocket("/notification/ws")
async def open_socket(socket: WebSocket) -> None:
    held = socket.app.state.resources
    await sockets.serve(socket, held.live, public_url=held.writer.public_url)
