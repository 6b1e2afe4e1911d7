from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0012_keep_questions")]
    operations = [migrations.RemoveField("procedure", "question_texts")]
