# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def migrate(cr, version):
    """Leave queue_job's window as queue_job makes it: it outlives this addon."""
    cr.execute(
        """
        UPDATE ir_act_window SET view_mode = 'list,form,pivot,graph', help = NULL
         WHERE view_mode = 'list,kanban,form,graph,pivot'
           AND id = (SELECT res_id FROM ir_model_data
                      WHERE module = 'queue_job' AND name = 'action_queue_job')
        """
    )
