"""Flask's extensions, made here and bound to an app by the factory."""

import orjson
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from tracker.model import Base

db = SQLAlchemy(
    model_class=Base,
    # What people sent must not get into the log with a statement that failed
    engine_options={"hide_parameters": True, "json_deserializer": orjson.loads},
)
migrate = Migrate()
csrf = CSRFProtect()
login = LoginManager()
