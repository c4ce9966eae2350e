"""The window. Kivy runs on the main thread, and only that may touch a widget; the network has a thread of its own."""

import os

os.environ.setdefault("KIVY_NO_ARGS", "1")  # the command line is ours
os.environ.setdefault("KIVY_NO_CONSOLELOG", "1")  # and so is the terminal

from kivy.app import App
from kivy.clock import Clock
from kivy.core.audio import SoundLoader
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.button import Button
from kivy.uix.filechooser import FileChooserListView
from kivy.uix.image import Image
from kivy.uix.label import Label
from kivy.uix.popup import Popup
from kivy.uix.scrollview import ScrollView
from kivy.uix.textinput import TextInput

import wire

GREEN = (0.2, 0.8, 0.3, 1)
WHITE = (1, 1, 1, 1)
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
SOUNDS = (".wav", ".mp3", ".ogg", ".flac")


class ChatWindow(App):
    """One window on one chat."""

    title = "GroupMediaChat"

    def __init__(self, chat):
        super().__init__()
        self.chat = chat
        self.lines = BoxLayout(orientation="vertical", size_hint_y=None, spacing=4, padding=8)
        self.lines.bind(minimum_height=self.lines.setter("height"))  # as high as what is in it, so that it scrolls
        self.scroll = ScrollView()
        self.scroll.add_widget(self.lines)
        self.text = TextInput(multiline=False, hint_text="Type a message", text_validate_unfocus=False)

    def build(self):
        """Put the window together: the lines above; below them a text box and two buttons."""
        attach = Button(text="Attach File", size_hint_x=None, width=120, on_release=self.choose_file)
        send = Button(text="Send", size_hint_x=None, width=80, on_release=self.send)
        self.text.bind(on_text_validate=self.send)
        below = BoxLayout(size_hint_y=None, height=44, spacing=4, padding=4)
        for widget in (self.text, attach, send):
            below.add_widget(widget)
        window = BoxLayout(orientation="vertical")
        window.add_widget(self.scroll)
        window.add_widget(below)
        self.text.focus = True
        return window

    # --- for any thread

    def show(self, line, color=WHITE):
        """Add a line. Called by the network's thread too, so the work is left to the window's thread."""
        Clock.schedule_once(lambda _: self.add(self.make_line(wire.printable(line), color)))

    def show_file(self, path):
        """Show a file that has arrived."""
        self.show(f"Successfully received: {path}")
        Clock.schedule_once(lambda _: self.add(self.make_preview(path)))

    # --- for the window's thread

    def send(self, *_):
        """Send what has been typed, and make room for the next line."""
        line, self.text.text = self.text.text, ""
        if len(line.encode()) > wire.MAX_TEXT:
            self.show(f"Not sent: a text has at most {wire.MAX_TEXT} bytes")
        elif line.strip():
            self.show(f"[{self.chat.name}] {line}")
            # BEGIN SOLUTION 5.1 Close the window when the line says so
            try:
                self.chat.say(line)
            except EOFError:
                self.stop()
            # WAS: self.chat.say(line)
            # END SOLUTION
        self.text.focus = True

    def choose_file(self, *_):
        """Let the person choose a file, and send it at once."""
        chooser = FileChooserListView(path=os.getcwd())
        select = Button(text="Select", size_hint_y=None, height=44)
        content = BoxLayout(orientation="vertical")
        content.add_widget(chooser)
        content.add_widget(select)
        popup = Popup(title="Attach File", content=content)

        def selected(_):
            popup.dismiss()
            for path in chooser.selection:
                self.chat.transfers.send_path(path)

        select.bind(on_release=selected)
        popup.open()

    def make_line(self, line, color):
        """A line as a widget, as high as its text needs."""
        label = Label(text=line, color=color, halign="left", size_hint_y=None)
        label.bind(width=lambda *_: setattr(label, "text_size", (label.width, None)))
        label.bind(texture_size=lambda *_: setattr(label, "height", label.texture_size[1]))
        return label

    def make_preview(self, path):
        """What a file looks or sounds like, as a widget."""
        ending = os.path.splitext(path)[1].lower()
        if ending in PICTURES:
            return Image(source=path, size_hint_y=None, height=200)
        if ending in SOUNDS:
            button = Button(text=f"Play {os.path.basename(path)}", size_hint=(None, None), size=(300, 44))
            button.bind(on_release=lambda _: play(path))
            return button
        return self.make_line(os.path.basename(path), WHITE)

    def add(self, widget):
        """Put a widget under the others, and scroll there."""
        self.lines.add_widget(widget)
        Clock.schedule_once(lambda _: setattr(self.scroll, "scroll_y", 0))


def play(path):
    """Play a sound, if the system can."""
    sound = SoundLoader.load(path)
    if sound:
        sound.play()


def open_for(chat):
    """Have everything that the chat shows appear in a window, and return that; it opens when it is run."""
    window = ChatWindow(chat)
    window.show("You have joined the group chat", GREEN)
    chat.show = window.show
    chat.show_file = window.show_file
    chat.end = lambda status: None  # the window stays, so that one can read why the chat has ended
    return window
